#include "token_store/redis_error.hpp"

#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace coauth::redis
{
namespace
{

constexpr std::uint16_t slots = 16'384;

std::string_view first_word(std::string_view text)
{
    return text.substr(0, text.find(' '));
}

bool contains(std::string_view text, std::string_view part)
{
    auto const found = std::search(
        text.begin(), text.end(), part.begin(), part.end(),
        [](char a, char b) { return detail::lower(a) == detail::lower(b); });
    return found != text.end();
}

// Errors of commands within a script name their own code: as the first word since Redis 7, anywhere
// before.
bool has_code(std::string_view text, std::string_view code)
{
    return first_word(text) == code || text.find("-" + std::string(code) + " ") != text.npos;
}

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> codes)
{
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

template <class Number>
std::optional<Number> parse_number(std::string_view digits)
{
    Number number = 0;
    auto const [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc() || end != digits.data() + digits.size())
        return std::nullopt;
    return number;
}

// What a person may see of it: printable, short, and without the arguments of the command, which
// servers repeat.
std::string shown(std::string_view text)
{
    constexpr std::size_t longest = 200;
    text = text.substr(0, std::min({text.find(", with args"), text.size(), longest}));
    std::string out;
    std::copy_if(
        text.begin(), text.end(), std::back_inserter(out),
        [](char c) { return detail::is_printable_ascii({&c, 1}); });
    return out;
}

// The code alone, if it is one.
std::string shown_code(std::string_view text)
{
    auto const code = first_word(text);
    bool const is_code =
        !code.empty() && code.size() <= 20 &&
        std::all_of(
            code.begin(), code.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
    return is_code ? std::string(code) : "an error";
}

} // namespace

error_action action_of(std::string_view text)
{
    auto const code = first_word(text);
    if (code == "MOVED")
        return error_action::follow_moved;
    if (code == "ASK")
        return error_action::follow_ask;
    if (code == "NOSCRIPT")
        return error_action::send_script;
    if (code == "NOAUTH" || has_code(text, "READONLY"))
        return error_action::replace_connection;
    bool const is_forbidden = code == "NOPERM" || contains(text, "unknown command");
    if (is_forbidden && (contains(text, "'eval") || contains(text, "`eval")))
        return error_action::use_plain_commands;
    return error_action::report;
}

std::optional<redirection> parse_redirection(std::string_view text)
{
    auto const code = first_word(text);
    if (code != "MOVED" && code != "ASK")
        return std::nullopt;
    text.remove_prefix(std::min(code.size() + 1, text.size()));
    auto const slot = parse_number<std::uint16_t>(first_word(text));
    auto const space = text.find(' ');
    auto const colon = text.rfind(':');
    if (!slot || *slot >= slots || space == text.npos || colon == text.npos || colon < space)
        return std::nullopt;
    auto const port = parse_number<std::uint16_t>(text.substr(colon + 1));
    auto host = text.substr(space + 1, colon - space - 1);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    // What a node says that does not know its own name.
    if (host == "?")
        host = {};
    bool const is_host = host.size() <= 255 && detail::is_printable_ascii(host) &&
                         host.find_first_of(" /@?#") == host.npos;
    if (!port || *port == 0 || !is_host)
        return std::nullopt;
    return redirection{*slot, std::string(host), *port};
}

error make_reply_error(std::string_view text, std::string const& peer)
{
    auto const code = first_word(text);
    std::string context = "Redis at " + peer + ": " + shown(text);
    if (has_code(text, "READONLY"))
        return detail::make_error(
            errc::temporarily_unavailable,
            context + "; the name still leads to a replica: check the failover");
    if (has_code(text, "OOM"))
        return detail::make_error(errc::temporarily_unavailable, context);
    if (is_one_of(
            code,
            {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "MISCONF"}))
        return detail::make_error(errc::temporarily_unavailable, context);
    if (code == "NOAUTH")
        return detail::make_error(
            errc::access_denied, context + " Set the password in redis_options");
    // Within a script, Redis 7 and 8 say it in other words.
    if (code == "NOPERM" || contains(text, "can't run this command") ||
        contains(text, "ACL failure in script"))
        return detail::make_error(
            errc::access_denied, context + "; give the user of redis_options this right");
    return detail::make_error(errc::server_error, std::move(context));
}

error make_login_error(std::string_view text, std::string const& peer)
{
    bool const is_busy = is_one_of(first_word(text), {"LOADING", "BUSY", "MASTERDOWN"});
    return detail::make_error(
        is_busy ? errc::temporarily_unavailable : errc::access_denied,
        "Redis at " + peer + " answered the login with " + shown_code(text) +
            (is_busy ? "" : "; check user and password in redis_options"));
}

error make_database_error(
    std::string_view text, std::string const& peer, std::string const& database)
{
    if (first_word(text) != "ERR")
        return make_reply_error(text, peer);
    return detail::make_error(
        errc::invalid_configuration, "Redis at " + peer + " has no database " + database +
                                         " for this user: " + shown(text) +
                                         "; change the number in redis_options::url");
}

} // namespace coauth::redis
