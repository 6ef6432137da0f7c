#include <coauth/access_token.hpp>

#include "values/json_document.hpp"
#include "values/proof_record.hpp"
#include "values/saturating_time.hpp"
#include "values/token_refcount.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <ostream>
#include <utility>

namespace coauth
{
namespace
{

// Converts a time of one clock to the other clock: the same duration before `target_now`. Times
// before the epoch of the first clock count as its epoch.
template <class Target, class Source>
Target convert_time(Source time, Source now, Target target_now) noexcept
{
    return detail::after(target_now, std::max(time, Source()) - now);
}

void complete_times(access_token_info& info) noexcept
{
    auto const wall = std::chrono::system_clock::now();
    auto const steady = std::chrono::steady_clock::now();
    if (!info.requested_at && !info.requested_at_steady)
        info.requested_at = wall;
    if (!info.requested_at)
        info.requested_at = convert_time(*info.requested_at_steady, steady, wall);
    if (!info.requested_at_steady)
        info.requested_at_steady = convert_time(*info.requested_at, wall, steady);
}

// The characters of a JSON string; empty: it is something else. `storage` has them if the string
// contains escapes.
std::string_view decode_json_string(std::string_view json, secret& storage)
{
    if (json.size() < 2 || json.front() != '"' || json.back() != '"')
        return {};
    if (json.find('\\') == std::string_view::npos)
        return json.substr(1, json.size() - 2);
    secret object("{\"a\":");
    object.append(json).append('}');
    auto const document = detail::json_document::parse(object.view());
    auto const text = document ? document->find("a").as_string() : std::nullopt;
    storage = secret(text.value_or(std::string_view()));
    return storage.view();
}

} // namespace

struct access_token::rep : detail::refcount
{
    explicit rep(access_token_info parts) : info(std::move(parts))
    {
        field = std::move(info.value);
        field.prepend(info.token_type + ' ');
        authorization = field.view();
        if (!info.requested_at || !info.requested_at_steady)
            complete_times(info);
        for (auto const& member : info.members)
            if (member.name == "refresh_token")
                refresh_token = decode_json_string(member.json.view(), decoded_refresh_token);
    }

    access_token_info info;
    // The value of the Authorization field; the token is its tail.
    secret field;
    std::string_view refresh_token;
    // If its JSON text has escapes.
    secret decoded_refresh_token;
    // Null: proofs are not recorded.
    std::unique_ptr<detail::proof_record> proofs;
};

namespace
{

std::array<char, 32> iso_8601(std::chrono::system_clock::time_point time) noexcept
{
    std::array<char, 32> text{};
    std::time_t const seconds = std::chrono::system_clock::to_time_t(time);
    std::tm utc{};
    if (gmtime_r(&seconds, &utc) != nullptr)
        std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

} // namespace

access_token::access_token(access_token_info info) : count_(new rep(std::move(info))) {}

access_token::rep const* access_token::content() const noexcept
{
    if (count_ == nullptr)
        return nullptr;
    return static_cast<rep const*>(count_->owner != nullptr ? count_->owner : count_);
}

void access_token::destroy(detail::refcount& counter) noexcept
{
    if (auto* const owner = counter.owner)
    {
        delete &counter;
        detail::split_refcount::release(*owner, 1);
        return;
    }
    delete static_cast<rep*>(&counter);
}

std::string_view access_token::value() const noexcept
{
    auto const* const data = content();
    if (data == nullptr)
        return {};
    return data->authorization.substr(data->info.token_type.size() + 1);
}

std::string_view access_token::token_type() const noexcept
{
    auto const* const data = content();
    return data != nullptr ? std::string_view(data->info.token_type) : std::string_view();
}

std::string_view access_token::scope() const noexcept
{
    auto const* const data = content();
    return data != nullptr ? std::string_view(data->info.scope) : std::string_view();
}

std::chrono::system_clock::time_point access_token::requested_at() const noexcept
{
    auto const* const data = content();
    return data != nullptr ? *data->info.requested_at : std::chrono::system_clock::time_point();
}

std::chrono::steady_clock::time_point access_token::requested_at_steady() const noexcept
{
    auto const* const data = content();
    return data != nullptr ? *data->info.requested_at_steady
                           : std::chrono::steady_clock::time_point();
}

std::optional<std::chrono::seconds> access_token::lifetime() const noexcept
{
    auto const* const data = content();
    return data != nullptr ? data->info.lifetime : std::chrono::seconds(0);
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

std::string_view access_token::refresh_token() const noexcept
{
    auto const* const data = content();
    return data != nullptr ? data->refresh_token : std::string_view();
}

std::string_view access_token::authorization_details() const noexcept
{
    auto const json = member("authorization_details").value_or(std::string_view());
    return json.starts_with('[') ? json : std::string_view();
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
    auto const* const data = content();
    return data != nullptr ? data->info.members : none;
}

unsigned access_token::http_status() const noexcept
{
    auto const* const data = content();
    return data != nullptr ? data->info.http_status : 0;
}

http_headers const& access_token::headers() const noexcept
{
    static http_headers const none;
    auto const* const data = content();
    return data != nullptr ? data->info.headers : none;
}

std::shared_ptr<dpop_prover> const& access_token::dpop() const noexcept
{
    static std::shared_ptr<dpop_prover> const none;
    auto const* const data = content();
    return data != nullptr ? data->info.dpop : none;
}

access_token detail::proof_record::attach(access_token const& token)
{
    auto info = token.content()->info;
    info.value = secret(token.value());
    auto content = std::make_unique<access_token::rep>(std::move(info));
    content->proofs = std::make_unique<proof_record>();
    return access_token(content.release());
}

detail::proof_record* detail::proof_record::of(access_token const& token) noexcept
{
    auto const* const data = token.content();
    return data != nullptr ? data->proofs.get() : nullptr;
}

bool operator==(access_token const& a, access_token const& b) noexcept
{
    auto const* const data_a = a.content();
    auto const* const data_b = b.content();
    if (data_a == data_b || data_a == nullptr || data_b == nullptr)
        return data_a == data_b;
    return data_a->field == data_b->field;
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
