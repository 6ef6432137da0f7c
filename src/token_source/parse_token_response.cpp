#include <coauth/parse_token_response.hpp>

#include "protocol/token_response.hpp"
#include "values/saturating_time.hpp"

#include <utility>

namespace coauth
{

result<access_token> parse_token_response(
    unsigned http_status, std::string_view body, std::chrono::steady_clock::time_point requested_at,
    http_headers headers)
{
    protocol::response_context context;
    context.received = std::chrono::system_clock::now();
    context.sent_steady = requested_at;
    auto const age = detail::between(requested_at, std::chrono::steady_clock::now());
    context.sent = detail::after(context.received, -age);
    auto token = protocol::read_token_response(
        client_config(), token_request(), {http_status, std::move(headers), secret(body)}, context);
    if (token)
        return token;
    // The caller counts the attempts.
    auto info = token.error().info();
    info.attempts = 0;
    return error(token.error().value(), std::move(info));
}

} // namespace coauth
