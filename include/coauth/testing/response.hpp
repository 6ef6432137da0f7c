#ifndef COAUTH_TESTING_RESPONSE_HPP
#define COAUTH_TESTING_RESPONSE_HPP

#include <coauth/export.hpp>
#include <coauth/http_headers.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace coauth::testing
{

/// What the server does to the connection after a scripted response.
enum class response_end
{
    /// Keep the connection if the request allows it, else `close`.
    keep_alive,
    /// Send TLS close_notify, then close. The header announces it, unless `response::raw` is used.
    close,
    /// Close without TLS close_notify.
    truncate,
    /// Reset the connection.
    reset,
    /// Send nothing more, and never close.
    stall,
};

/// A scripted response. The default is status 200 without a body. A plain aggregate.
struct response
{
    /// The status.
    unsigned status = 200;
    /// Header fields in addition to those that the server adds.
    http_headers headers = {};
    /// The body.
    std::string body = {};
    /// If not empty, exactly these bytes are sent in place of status, headers and body.
    std::string raw = {};
    /// Delay before the first byte.
    std::chrono::milliseconds delay{0};
    /// Send only this many bytes of the response. 0: nothing. None: the whole response.
    std::optional<std::size_t> cut_at = {};
    /// Send in pieces of this many bytes. 0: in one piece.
    std::size_t piece = 0;
    /// Delay between the pieces.
    std::chrono::milliseconds piece_delay{0};
    /// After the whole response, repeat its bytes from this position until the peer closes. None:
    /// no repetition.
    std::optional<std::size_t> repeat_from = {};
    /// What happens to the connection afterwards.
    response_end end = response_end::keep_alive;
    /// Use the response only for requests to this path, whatever their query. Empty: for any path.
    std::string path = {};

    /// A response with a JSON body.
    [[nodiscard]] static COAUTH_DECL response json(unsigned status, std::string body);
    /// A token response: status 200, `token_type` Bearer.
    ///
    /// \param value The access token. The server does not know it: introspection returns inactive.
    /// \param expires_in Its lifetime.
    [[nodiscard]] static COAUTH_DECL response
    token(std::string const& value, std::chrono::seconds expires_in = std::chrono::hours(1));
    /// No response: the server reads the request, sends nothing, and ends the connection.
    [[nodiscard]] static COAUTH_DECL response nothing(response_end end = response_end::close);
    /// A response of exactly these bytes.
    [[nodiscard]] static COAUTH_DECL response
    bytes(std::string raw, response_end end = response_end::close);
};

} // namespace coauth::testing

#endif
