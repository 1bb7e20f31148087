#include "ingestor/source.h"

const struct source_ops *source_for(const struct config *config)
{
    switch (config->source.kind) {
    case SOURCE_SQLITE:
        return &source_sqlite;
    case SOURCE_POSTGRESQL:
        return &source_postgres;
    }
    return NULL;
}
