#include "cli/own_words.hpp"
#include "cli/report.hpp"
#include "cli/sanitize_for_terminal.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

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

json::object to_object(fetch_report const& report)
{
    auto const& token = *report.token;
    json::object object;
    object["ok"] = true;
    object["access_token"] = token.value();
    object["token_type"] = token.token_type();
    object["expires_in"] = seconds_or_null(remaining_lifetime(report));
    object["scope"] = text_or_null(token.scope());
    object["http_status"] = status_or_null(token.http_status());
    return object;
}

json::object to_object(error const& failure)
{
    json::object object;
    object["ok"] = false;
    object["error"] = to_string(failure.value());
    object["kind"] = to_string(failure.kind());
    object["message"] = sanitize_for_terminal(in_own_words(failure).message());
    object["http_status"] = status_or_null(failure.http_status());
    object["oauth_error"] = text_or_null(failure.oauth_error());
    object["description"] = text_or_null(failure.description());
    object["uri"] = text_or_null(failure.uri());
    object["code"] = nullptr;
    if (auto const code = failure.server_code())
        object["code"] = *code;
    object["retry_after"] = seconds_or_null(retry_after(failure));
    return object;
}

std::string serialize(json::object object, std::chrono::milliseconds elapsed)
{
    object["elapsed_ms"] = std::int64_t{elapsed.count()};
    return json::serialize(object) + '\n';
}

} // namespace

std::string json_line(fetch_report const& report)
{
    auto const& token = report.token;
    return serialize(token ? to_object(report) : to_object(token.error()), report.elapsed);
}

std::string json_line(result<void> const& result, std::chrono::milliseconds elapsed)
{
    json::object success;
    success["ok"] = true;
    return serialize(result ? std::move(success) : to_object(result.error()), elapsed);
}

} // namespace coauth::cli
