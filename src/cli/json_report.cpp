#include "cli/report.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace coauth::cli
{
namespace
{

namespace json = boost::json;

json::value text_or_null(std::string_view text)
{
    if (text.empty())
        return nullptr;
    return json::string(sanitize_for_terminal(text));
}

json::value status_or_null(unsigned status)
{
    if (status == 0)
        return nullptr;
    return status;
}

json::value seconds_or_null(std::optional<std::chrono::seconds> seconds)
{
    if (!seconds)
        return nullptr;
    return std::int64_t{seconds->count()};
}

json::object document(access_token const& token)
{
    json::object made;
    made["ok"] = true;
    made["access_token"] = token.value();
    made["token_type"] = token.token_type();
    made["expires_in"] = seconds_or_null(token.lifetime());
    made["scope"] = text_or_null(token.scope());
    made["http_status"] = status_or_null(token.http_status());
    return made;
}

json::object document(error const& failure)
{
    json::object made;
    made["ok"] = false;
    made["error"] = to_string(failure.value());
    made["kind"] = to_string(failure.kind());
    made["message"] = sanitize_for_terminal(failure.message());
    made["http_status"] = status_or_null(failure.http_status());
    made["oauth_error"] = text_or_null(failure.oauth_error());
    made["description"] = text_or_null(failure.description());
    made["uri"] = text_or_null(failure.uri());
    made["code"] = nullptr;
    if (auto const code = failure.server_code())
        made["code"] = *code;
    made["retry_after"] = seconds_or_null(retry_after(failure));
    return made;
}

} // namespace

std::string json_line(outcome const& result, std::chrono::milliseconds elapsed)
{
    json::object made = result ? document(*result) : document(result.error());
    made["elapsed_ms"] = std::int64_t{elapsed.count()};
    return json::serialize(made) + '\n';
}

} // namespace coauth::cli
