/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-response.h"

#include "basic/hexdecoct.h"
#include "basic/string-util.h"

typedef struct ErrorDocument {
        char *message;
} ErrorDocument;

static const JsonField error_document_fields[] = {
        JSON_STRING(ErrorDocument, message, "message", 0),
};
static JSON_TYPE(ErrorDocument, error_document_fields);

typedef struct ErrorDetail {
        int code;
        char *message;
} ErrorDetail;

static const JsonField error_detail_fields[] = {
        JSON_INT(ErrorDetail, code, "code", JSON_OMITEMPTY),
        JSON_STRING(ErrorDetail, message, "message", 0),
};
static JSON_TYPE(ErrorDetail, error_detail_fields);

typedef struct ErrorLine {
        ErrorDetail detail;
        char *error;
} ErrorLine;

static const JsonField error_line_fields[] = {
        JSON_STRUCT(ErrorLine, detail, ErrorDetail, "errorDetail", 0),
        JSON_STRING(ErrorLine, error, "error", 0),
};
static JSON_TYPE(ErrorLine, error_line_fields);

int http_response_set(struct MHD_Response *response, const char *name, const char *value) {
        return MHD_add_response_header(response, name, value) == MHD_YES ? 0 : -ENOMEM;
}

int http_response_set_path_stat(struct MHD_Response *response, const char *document) {
        _cleanup_free_ char *text = base64mem(document, strlen(document));

        return text ? http_response_set(response, "X-Docker-Container-Path-Stat", text) : -ENOMEM;
}

struct MHD_Response *http_response_new(const char *content_type, char *body, size_t size) {
        struct MHD_Response *response;

        response = MHD_create_response_from_buffer(size, body,
                                                   body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
        if (!response) {
                free(body);
                return NULL;
        }
        if (content_type && http_response_set(response, "Content-Type", content_type) < 0) {
                MHD_destroy_response(response);
                return NULL;
        }
        return response;
}

struct MHD_Response *http_response_new_json(const JsonType *type, const void *document,
                                            unsigned api_version) {
        _cleanup_free_ char *text = NULL;
        char *line;

        text = json_encode_text(type, document, api_version);
        if (!text)
                return NULL;
        line = strjoin(text, "\n");
        if (!line)
                return NULL;
        return http_response_new("application/json", line, strlen(line));
}

struct MHD_Response *http_response_new_error(const Error *e, unsigned *ret_status) {
        ErrorDocument d = { .message = (char *) error_message(e) };

        *ret_status = error_kind_http_status(e->kind);
        if (e->kind == ERROR_NOT_MODIFIED)
                return http_response_new(NULL, NULL, 0);
        return http_response_new_json(&ErrorDocument_json, &d, 0);
}

struct MHD_Response *http_response_new_plain_error(const Error *e, const char *content_type,
                                                   unsigned *ret_status) {
        struct MHD_Response *response;
        char *line;

        line = strjoin(error_message(e), "\r\n");
        if (!line)
                return NULL;
        response = http_response_new(content_type, line, strlen(line));
        if (!response)
                return NULL;
        if (http_response_set(response, "Connection", "close") < 0) {
                MHD_destroy_response(response);
                return NULL;
        }
        *ret_status = error_kind_http_status(e->kind);
        return response;
}

char *http_error_document(const Error *e) {
        ErrorDocument d = { .message = (char *) error_message(e) };
        _cleanup_free_ char *text = json_encode_text(&ErrorDocument_json, &d, 0);

        return text ? strjoin(text, "\n") : NULL;
}

char *http_error_line(const Error *e) {
        char *message = (char *) error_message(e);
        ErrorLine l = {
                .detail = { .message = message },
                .error = message,
        };
        _cleanup_free_ char *text = NULL;

        text = json_encode_text(&ErrorLine_json, &l, 0);
        return text ? strjoin(text, "\r\n") : NULL;
}
