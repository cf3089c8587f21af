/* plan_hash: see plan_hash.h. */
#include "plan_hash.h"

#include "csvmap.h"
#include "file.h"

#include <openssl/evp.h>
#include <string.h>

enum { SHA256_BYTES = 32 };

static void S_digest_text(EVP_MD_CTX *digest, const char *text)
{
    EVP_DigestUpdate(digest, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* One that is missing is told by the step that needs it; it keeps nobody from anything else. */
static void S_digest_files(EVP_MD_CTX *digest, const struct plan_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct err ignored = {0};
        struct file file;
        if (!file_read(files[i].path, &file, &ignored)) {
            S_digest_text(digest, NULL);
            continue;
        }
        S_digest_text(digest, buf_text(&file.text));
        file_release(&file);
    }
}

bool plan_hash(const struct plan *plan, char **hex, struct err *err)
{
    struct file file;
    struct csvmap_totals mapping = {0};
    unsigned char sum[EVP_MAX_MD_SIZE];
    struct buf text = {0};
    if (!file_read(plan->path, &file, err))
        return false;
    bool ok = !plan->mapping.path ||
              csvmap_read(plan->mapping.path, &plan->mapping.shape, NULL, &mapping, err);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    EVP_DigestUpdate(digest, buf_text(&file.text), file.text.len);
    EVP_DigestUpdate(digest, mapping.sha256, sizeof(mapping.sha256));
    S_digest_text(digest, plan->mapping.default_tenant);
    S_digest_text(digest, plan->mapping.default_organization);
    S_digest_files(digest, plan->functions, plan->function_count);
    S_digest_files(digest, plan->views, plan->view_count);
    S_digest_files(digest, plan->warms, plan->warm_count);
    EVP_DigestFinal_ex(digest, sum, NULL);
    EVP_MD_CTX_free(digest);
    file_release(&file);
    *hex = NULL;
    if (!ok)
        return false;
    for (int i = 0; i < SHA256_BYTES; i++)
        buf_format(&text, "%02x", sum[i]);
    *hex = buf_take(&text);
    return true;
}
