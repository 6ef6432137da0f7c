#ifndef COAUTH_SRC_NET_HTTP_RESPONSE_PARSER_HPP
#define COAUTH_SRC_NET_HTTP_RESPONSE_PARSER_HPP

#include <coauth/client_config.hpp>

#include "values/http_response.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace coauth::net
{

// Reads one HTTP/1.1 response from bytes as they come (RFC 9112), under limits, stricter than the
// parser beneath: what could be framed in two ways is refused.
class http_response_parser
{
public:
    enum class state
    {
        // More bytes are wanted.
        more,
        // The response is whole.
        complete,
        // `failure()` says why.
        failed,
    };

    // `all_headers`: keep every field, not only those that are needed to understand the response.
    explicit http_response_parser(response_limits const& limits, bool all_headers = true);
    ~http_response_parser();

    // For the next response on the same connection; its buffer is kept.
    void restart();

    // Where the next bytes are to be read to; never empty while more are wanted.
    std::span<char> prepare();
    // `size` bytes were put there.
    state commit(std::size_t size);
    // So many bytes came as TLS has them. Beside a response they may hold anything, but not in
    // masses.
    state pass(std::size_t size);
    // The stream ended; `proven`: the peer said so in a way that nobody could forge.
    state finish(bool proven);

    [[nodiscard]] bool complete() const noexcept;
    // True once any byte came.
    [[nodiscard]] bool started() const noexcept;
    // True when the connection may carry another request: it is kept alive and nothing extra came.
    [[nodiscard]] bool reusable() const noexcept;

    [[nodiscard]] error const& failure() const noexcept;
    http_response take();

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

} // namespace coauth::net

#endif
