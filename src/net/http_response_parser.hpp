#ifndef COAUTH_SRC_NET_HTTP_RESPONSE_PARSER_HPP
#define COAUTH_SRC_NET_HTTP_RESPONSE_PARSER_HPP

#include <coauth/client_config.hpp>

#include "values/http_response.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace coauth::net
{

// Parses one HTTP/1.1 response incrementally (RFC 9112), within limits. Stricter than Beast's
// parser: it refuses messages that could be framed in two ways.
class http_response_parser
{
public:
    enum class state
    {
        // It needs more bytes.
        more,
        complete,
        // `failure()` has the reason.
        failed,
    };

    // `all_headers`: keep every field, not only those needed to understand the response.
    explicit http_response_parser(response_limits const& limits, bool all_headers = true);
    ~http_response_parser();

    // For the next response on the same connection; its buffer is kept.
    void restart();

    // Where to put the next bytes; not empty while it needs more.
    std::span<char> prepare();
    // Parses `size` bytes put there.
    state commit(std::size_t size);
    // Counts bytes as they were before decryption: TLS records without data are limited too.
    state count_tls_bytes(std::size_t size);
    // The stream ended. `authenticated`: nobody but the peer can have ended it.
    state on_eof(bool authenticated);

    [[nodiscard]] bool complete() const noexcept;
    // Whether any byte was committed.
    [[nodiscard]] bool started() const noexcept;
    // Whether the connection may carry another request: it is kept alive, and no byte follows.
    [[nodiscard]] bool reusable() const noexcept;

    [[nodiscard]] error const& failure() const noexcept;
    http_response take();

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

} // namespace coauth::net

#endif
