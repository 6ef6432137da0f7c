#include <coauth/access_token.hpp>

#include "values/saturating_time.hpp"
#include "values/token_refcount.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <ostream>
#include <utility>

namespace coauth
{
namespace
{

// When something was, by the clock that does not know it: as long ago as by the other. Before the
// other began to count, nothing was.
template <class Wanted, class Known>
Wanted as_long_ago(Known then, Known now, Wanted now_there) noexcept
{
    return detail::after(now_there, std::max(then, Known()) - now);
}

void complete_times(access_token_info& info) noexcept
{
    auto const wall = std::chrono::system_clock::now();
    auto const steady = std::chrono::steady_clock::now();
    if (!info.requested_at && !info.requested_at_steady)
        info.requested_at = wall;
    if (!info.requested_at)
        info.requested_at = as_long_ago(*info.requested_at_steady, steady, wall);
    if (!info.requested_at_steady)
        info.requested_at_steady = as_long_ago(*info.requested_at, wall, steady);
}

} // namespace

struct access_token::rep : detail::refcount
{
    explicit rep(access_token_info given) : info(std::move(given))
    {
        field = std::move(info.value);
        field.prepend(info.token_type + ' ');
        authorization = field.view();
        if (!info.requested_at || !info.requested_at_steady)
            complete_times(info);
    }

    access_token_info info;
    // The Authorization field: the token itself is its tail.
    secret field;
};

namespace
{

std::array<char, 32> iso_8601(std::chrono::system_clock::time_point when) noexcept
{
    std::array<char, 32> text{};
    std::time_t const seconds = std::chrono::system_clock::to_time_t(when);
    std::tm utc{};
    if (gmtime_r(&seconds, &utc) != nullptr)
        std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

} // namespace

access_token::access_token(access_token_info info) : share_(new rep(std::move(info))) {}

access_token::rep const* access_token::content() const noexcept
{
    if (share_ == nullptr)
        return nullptr;
    return static_cast<rep const*>(share_->whole != nullptr ? share_->whole : share_);
}

void access_token::end(detail::refcount& share) noexcept
{
    if (auto* const whole = share.whole)
    {
        delete &share;
        detail::split_refcount::release_many(*whole, 1);
        return;
    }
    delete static_cast<rep*>(&share);
}

std::string_view access_token::value() const noexcept
{
    auto const* const held = content();
    if (held == nullptr)
        return {};
    return held->authorization.substr(held->info.token_type.size() + 1);
}

std::string_view access_token::token_type() const noexcept
{
    auto const* const held = content();
    return held != nullptr ? std::string_view(held->info.token_type) : std::string_view();
}

std::string_view access_token::scope() const noexcept
{
    auto const* const held = content();
    return held != nullptr ? std::string_view(held->info.scope) : std::string_view();
}

std::chrono::system_clock::time_point access_token::requested_at() const noexcept
{
    auto const* const held = content();
    return held != nullptr ? *held->info.requested_at : std::chrono::system_clock::time_point();
}

std::chrono::steady_clock::time_point access_token::requested_at_steady() const noexcept
{
    auto const* const held = content();
    return held != nullptr ? *held->info.requested_at_steady
                           : std::chrono::steady_clock::time_point();
}

std::optional<std::chrono::seconds> access_token::lifetime() const noexcept
{
    auto const* const held = content();
    return held != nullptr ? held->info.lifetime : std::chrono::seconds(0);
}

std::optional<std::chrono::system_clock::time_point> access_token::expires_at() const noexcept
{
    auto const life = lifetime();
    if (!life)
        return std::nullopt;
    return detail::after(requested_at(), *life);
}

bool access_token::expired(
    std::chrono::system_clock::time_point now,
    std::chrono::steady_clock::time_point steady_now) const noexcept
{
    auto const life = lifetime();
    if (!life)
        return false;
    return now >= detail::after(requested_at(), *life) ||
           steady_now >= detail::after(requested_at_steady(), *life);
}

std::optional<std::string_view> access_token::member(std::string_view name) const noexcept
{
    for (auto const& member : members())
        if (member.name == name)
            return member.json.view();
    return std::nullopt;
}

std::vector<token_member> const& access_token::members() const noexcept
{
    static std::vector<token_member> const none;
    auto const* const held = content();
    return held != nullptr ? held->info.members : none;
}

unsigned access_token::http_status() const noexcept
{
    auto const* const held = content();
    return held != nullptr ? held->info.http_status : 0;
}

http_headers const& access_token::headers() const noexcept
{
    static http_headers const none;
    auto const* const held = content();
    return held != nullptr ? held->info.headers : none;
}

bool operator==(access_token const& a, access_token const& b) noexcept
{
    auto const* const left = a.content();
    auto const* const right = b.content();
    if (left == right || left == nullptr || right == nullptr)
        return left == right;
    return left->field == right->field;
}

std::ostream& operator<<(std::ostream& out, access_token const& token)
{
    if (token.empty())
        return out << "access_token(none)";
    out << "access_token(" << token.token_type();
    if (!token.scope().empty())
        out << ", scope \"" << token.scope() << '"';
    if (auto const end = token.expires_at())
        out << ", expires " << iso_8601(*end).data();
    else
        out << ", no known end";
    return out << ')';
}

} // namespace coauth
