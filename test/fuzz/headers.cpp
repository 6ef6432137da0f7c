// Header fields of a response with times and challenges, one a line, and `expires_in`. Each value
// is also a time to wait in a body.

#include <coauth/api_challenge.hpp>
#include <coauth/token_rejected.hpp>

#include "fuzz.hpp"
#include "protocol/expires_in.hpp"
#include "protocol/http_date.hpp"
#include "protocol/retry_after.hpp"
#include "protocol/rfc3339_time.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace
{

using namespace std::chrono;

std::string imf_date(sys_seconds when)
{
    constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    auto const day = floor<std::chrono::days>(when);
    year_month_day const date(day);
    hh_mm_ss const time(when - day);
    char text[64];
    std::snprintf(
        text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
        days.at(weekday(day).c_encoding()), static_cast<unsigned>(date.day()),
        months.at(static_cast<unsigned>(date.month()) - 1), static_cast<int>(date.year()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()));
    return text;
}

void check_date(std::string_view text, system_clock::time_point now)
{
    auto const date = coauth::protocol::parse_http_date(text, now);
    if (!date)
        return;
    auto const in = year_month_day(floor<days>(*date)).year();
    fuzz::require(in >= year(1970) && in <= year(2200), "a date is in the range of the clock");
    if (in < year(2200))
        fuzz::require(
            coauth::protocol::parse_http_date(imf_date(*date), now) == date,
            "a date does not change when it is written and read");
}

void check_retry(coauth::http_headers const& fields, system_clock::time_point now)
{
    for (bool const throttled : {false, true})
    {
        auto const time = coauth::protocol::retry_at(fields, throttled, now);
        fuzz::require(
            !time || (*time >= now && *time <= now + hours(24)), "a wait lasts from 0 to 24 hours");
    }
}

void check_wait(std::string_view text, system_clock::time_point now)
{
    auto const time = coauth::protocol::retry_at({}, true, now, text);
    fuzz::require(
        !time || (*time >= now && *time <= now + hours(24)),
        "a wait in the body lasts from 0 to 24 hours");
    auto const date = coauth::protocol::parse_rfc3339_time(text);
    if (date)
        fuzz::require(
            coauth::protocol::retry_at({}, true, now, text) ==
                std::clamp<system_clock::time_point>(*date, now, now + hours(24)),
            "a date of RFC 3339 is a time to wait until");
}

void check_lifetime(std::string_view text, coauth::expires_in_rules const& rules)
{
    using enum coauth::detail::json_kind;
    for (auto const kind : {absent, null, number, string, boolean, object, array})
    {
        auto const life = coauth::protocol::interpret_expires_in({kind, text}, rules);
        fuzz::require(
            !life.seconds || (life.seconds->count() >= 0 && life.seconds->count() <= 2147483647),
            "a lifetime is neither negative nor too large");
        fuzz::require(life.valid || !life.seconds, "a malformed value has no lifetime");
    }
}

void check_challenge(unsigned status, std::string_view field)
{
    auto const challenge = coauth::parse_api_challenge(status, field);
    if (!challenge)
        return;
    fuzz::require(status == 401 || status == 403, "only these statuses have challenges");
    fuzz::require(
        challenge->remedy != coauth::challenge_remedy::new_token ||
            coauth::is_invalid_token_challenge(status, field),
        "a new token helps only if the old one is rejected");
    auto const& claims = challenge->claims;
    fuzz::require(
        claims.empty() || (claims.size() <= 16 * 1024 && claims.starts_with('{')),
        "claims are an object of limited size");
    for (auto const* const text :
         {&challenge->error, &challenge->error_description, &challenge->scope,
          &challenge->acr_values, &challenge->resource_metadata})
        fuzz::require(
            text->size() <= 1024 &&
                std::none_of(text->begin(), text->end(), [](char c) { return c >= 0 && c < ' '; }),
            "texts are short and have no control characters");
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    fuzz::input const from(data, size);
    auto const rules = fuzz::config(from).server.expires_in;
    auto const response = fuzz::response(from);
    auto const now = fuzz::times().received;
    for (auto const& field : response.headers)
    {
        check_date(field.value, now);
        check_wait(field.value, now);
        check_lifetime(field.value, rules);
        if (coauth::is_invalid_token_challenge(from.number(), field.value))
            fuzz::require(from.number() == 401, "only status 401 rejects a token");
        check_challenge(from.number(), field.value);
        fuzz::require(
            response.headers.find(field.name).has_value() && response.headers.count(field.name) > 0,
            "an added field is found");
    }
    check_retry(response.headers, now);
    return 0;
}
