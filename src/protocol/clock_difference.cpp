#include "protocol/clock_difference.hpp"

#include "protocol/http_date.hpp"

#include <string_view>

namespace coauth::protocol
{
namespace
{

// The Date of a response has whole seconds, and was in transit.
constexpr std::chrono::seconds ordinary{30};

// Texts of the request as it is sent.
bool has_dated_credentials(std::string_view request)
{
    for (std::string_view const part :
         {"&client_assertion=", "&assertion=", "&subject_token=", "\r\nDPoP: "})
        if (request.find(part) != std::string_view::npos)
            return true;
    return false;
}

} // namespace

std::string clock_hint(http_headers const& headers, response_context const& context)
{
    using std::chrono::seconds;
    auto const field = headers.find("Date");
    auto const date = field ? parse_http_date(*field, context.received) : std::nullopt;
    if (!date || !has_dated_credentials(context.request))
        return {};
    // The server wrote it between these moments.
    bool const server_is_behind = *date + ordinary < context.sent;
    bool const server_is_ahead = *date > context.received + ordinary;
    auto const difference = server_is_behind ? context.sent - *date : *date - context.received;
    if (!server_is_behind && !server_is_ahead)
        return {};
    return "by the Date of the response, the server's clock is " +
           std::to_string(std::chrono::floor<seconds>(difference).count()) + " s " +
           (server_is_behind ? "behind this machine's; set the clocks, or backdate the assertion"
                             : "ahead of this machine's; set the clocks");
}

} // namespace coauth::protocol
