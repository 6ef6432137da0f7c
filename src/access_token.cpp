#include <coauth/access_token.hpp>

#include <array>
#include <cstdio>
#include <ctime>
#include <ostream>
#include <utility>

namespace coauth
{

struct access_token::rep
{
    explicit rep(access_token_info given) : info(std::move(given))
    {
        authorization = std::move(info.value);
        authorization.prepend(info.token_type + ' ');
    }

    access_token_info info;
    // "Bearer ...": the token itself is its tail.
    secret authorization;
};

namespace
{

template <class TimePoint>
TimePoint after(TimePoint begin, std::chrono::seconds lifetime) noexcept
{
    // A lifetime near the clock's end must not wrap.
    auto const room = std::chrono::floor<std::chrono::seconds>(TimePoint::max() - begin);
    if (begin > TimePoint() && lifetime >= room)
        return TimePoint::max();
    return begin + lifetime;
}

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

access_token::access_token(access_token_info info)
    : rep_(std::make_shared<rep const>(std::move(info)))
{
}

std::string_view access_token::value() const noexcept
{
    if (!rep_)
        return {};
    return rep_->authorization.view().substr(rep_->info.token_type.size() + 1);
}

std::string_view access_token::authorization() const noexcept
{
    return rep_ ? rep_->authorization.view() : std::string_view();
}

std::string_view access_token::token_type() const noexcept
{
    return rep_ ? std::string_view(rep_->info.token_type) : std::string_view();
}

std::string_view access_token::scope() const noexcept
{
    return rep_ ? std::string_view(rep_->info.scope) : std::string_view();
}

std::chrono::system_clock::time_point access_token::requested_at() const noexcept
{
    return rep_ ? rep_->info.requested_at : std::chrono::system_clock::time_point();
}

std::chrono::steady_clock::time_point access_token::requested_at_steady() const noexcept
{
    return rep_ ? rep_->info.requested_at_steady : std::chrono::steady_clock::time_point();
}

std::optional<std::chrono::seconds> access_token::lifetime() const noexcept
{
    return rep_ ? rep_->info.lifetime : std::chrono::seconds(0);
}

std::optional<std::chrono::system_clock::time_point> access_token::expires_at() const noexcept
{
    auto const life = lifetime();
    if (!life)
        return std::nullopt;
    return after(requested_at(), *life);
}

bool access_token::expired(
    std::chrono::system_clock::time_point now,
    std::chrono::steady_clock::time_point steady_now) const noexcept
{
    auto const life = lifetime();
    if (!life)
        return false;
    return now >= after(requested_at(), *life) || steady_now >= after(requested_at_steady(), *life);
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
    return rep_ ? rep_->info.members : none;
}

unsigned access_token::http_status() const noexcept
{
    return rep_ ? rep_->info.http_status : 0;
}

http_headers const& access_token::headers() const noexcept
{
    static http_headers const none;
    return rep_ ? rep_->info.headers : none;
}

bool operator==(access_token const& a, access_token const& b) noexcept
{
    if (a.rep_ == b.rep_ || !a.rep_ || !b.rep_)
        return a.rep_ == b.rep_;
    return a.rep_->authorization == b.rep_->authorization;
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
