/* files: see files.h. */
#include "files.h"

#include "sqlscript.h"
#include "text.h"

#include <stdlib.h>

/* Paths and keys in a comment: one line, whatever they are made of. */
static void S_comment(FILE *out, const char *before, const char *text, const char *after)
{
    char *clean = text_cleaned(text);
    fprintf(out, "-- %s%s%s\n", before, clean, after);
    free(clean);
}

static void S_print_variables(const struct sqlscript *script, FILE *out)
{
    for (size_t i = 0; i < script->variable_count; i++) {
        const struct sqlscript_variable *variable = &script->variables[i];
        if (variable->form == '"' && !str_is(variable->name, "schema"))
            fprintf(out,
                    "-- :\"%s\" is the tenant's code, '_' and %s; built as "
                    "tenantdeck_scratch_NUMBER, then renamed\n",
                    variable->name, variable->name);
        else if (str_is(variable->name, "tenant"))
            fprintf(out, "-- :'tenant' is the tenant's code\n");
    }
}

static bool S_print_filled(const struct plan *plan, const struct sqlscript *script, FILE *out,
                           struct err *err)
{
    const struct sql_variable schema = {"schema", plan->schema};
    for (size_t i = 0; i < script->count; i++) {
        char *text;
        if (!sqlscript_fill(script, i, &schema, 1, &text, err))
            return false;
        fprintf(out, "%s;\n", text);
        free(text);
    }
    return true;
}

static void S_print_template(const struct sqlscript *script, FILE *out)
{
    fprintf(out, "-- once for each tenant\n");
    S_print_variables(script, out);
    for (size_t i = 0; i < script->count; i++)
        fprintf(out, "%.*s;\n", (int)script->statements[i].len, script->statements[i].text);
}

static bool S_print_file(const struct plan *plan, const struct plan_file *file, bool template,
                         FILE *out, struct err *err)
{
    struct sqlscript *script;
    if (!sqlscript_read(file->path, &file->trust, &script, err))
        return false;
    S_comment(out, "", script->path, "");
    if (file->key) {
        S_comment(out, "each row is set in Redis as ", file->key, ", where no such key is yet");
        fprintf(out, "-- read-only; a cursor over\n");
    }
    bool ok = true;
    if (template)
        S_print_template(script, out);
    else
        ok = S_print_filled(plan, script, out, err);
    sqlscript_free(script);
    return ok;
}

bool files_print(const struct plan *plan, const char *step, FILE *out, bool *printed,
                 struct err *err)
{
    const struct {
        const char *step;
        const struct plan_file *files;
        size_t count;
    } all[] = {
        {"functions", plan->functions, plan->function_count},
        {"views", plan->views, plan->view_count},
        {"cache-warm", plan->warms, plan->warm_count},
    };
    *printed = false;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        for (size_t k = 0; str_is(all[i].step, step) && k < all[i].count; k++) {
            *printed = true;
            if (!S_print_file(plan, &all[i].files[k], all[i].files == plan->views, out, err))
                return false;
        }
    return true;
}
