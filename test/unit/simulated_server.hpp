#ifndef COAUTH_TEST_UNIT_SIMULATED_SERVER_HPP
#define COAUTH_TEST_UNIT_SIMULATED_SERVER_HPP

#include "simulation_support.hpp"

#include <deque>
#include <string>

namespace test
{

using coauth::access_token;
using coauth::errc;
using coauth::error;

// The server's future response to the running fetch.
struct planned_response
{
    enum class kind_type
    {
        token,
        same_token,
        transient,
        throttled,
        refused,
    };
    kind_type kind = kind_type::token;
    // In simulated time.
    nanoseconds arrives_at{};
    clock_pair sent;
};

inline constexpr clock_pair never{
    std::chrono::system_clock::time_point::max(), std::chrono::steady_clock::time_point::max()};

// A token that the server issued.
struct issued_token
{
    access_token token;
    clock_pair sent;
    std::optional<std::chrono::seconds> life;
    // The shortest lifetime that the server returned for it.
    std::chrono::seconds shortest{};
    // The earliest end that the server returned for it.
    clock_pair end = never;
    bool invalidated = false;
};

// A server that issues tokens, returns the same token again, fails, throttles and refuses at
// random.
template <class Choices>
class simulated_server
{
public:
    simulated_server(Choices& choices, simulated_clock const& clock)
        : choices_(choices)
        , clock_(clock)
    {
    }

    issued_token& find(access_token const& token)
    {
        for (auto& one : issued_)
            if (one.token == token)
                return one;
        throw invariant_violated("a token that the server did not issue");
    }

    planned_response draw_response()
    {
        planned_response planned;
        auto const choice = choices_.below(20);
        planned.kind = choice < 10                       ? planned_response::kind_type::token
                       : choice < 12 && !issued_.empty() ? planned_response::kind_type::same_token
                       : choice < 16                     ? planned_response::kind_type::transient
                       : choice < 18                     ? planned_response::kind_type::throttled
                                                         : planned_response::kind_type::refused;
        planned.sent = clock_.now();
        planned.arrives_at =
            clock_.time() +
            (choices_.one_in(10)
                 ? choices_.time()
                 : nanoseconds(static_cast<std::int64_t>(choices_.below(2'000'000'000))));
        return planned;
    }

    coauth::result<access_token> outcome_of(planned_response const& planned)
    {
        switch (planned.kind)
        {
        case planned_response::kind_type::token:
            return new_token(planned.sent);
        case planned_response::kind_type::same_token:
            return same_token(planned.sent);
        case planned_response::kind_type::transient:
            return error(choices_.one_in(2) ? errc::timeout : errc::connect_failed);
        case planned_response::kind_type::throttled:
        {
            coauth::error_info info;
            info.retry_at = clock_.now().wall + choices_.time();
            return error(errc::rate_limited, std::move(info));
        }
        case planned_response::kind_type::refused:
            break;
        }
        coauth::error_info info;
        info.http_status = 400;
        if (choices_.one_in(4))
            info.retry_at = clock_.now().wall + choices_.time();
        return error(
            choices_.one_in(2) ? errc::invalid_client : errc::invalid_scope, std::move(info));
    }

    // One of the last three tokens; null if there are none.
    issued_token* recent_token()
    {
        if (issued_.empty())
            return nullptr;
        return &issued_
            [issued_.size() - 1 - choices_.below(std::min<std::size_t>(issued_.size(), 3))];
    }

    // A usable token that is returned again does not live longer.
    void store(access_token const& token, access_token const& before, clock_pair end)
    {
        auto& one = find(token);
        auto const life = token.lifetime();
        stored_again_ = token == before;
        if (!stored_again_)
        {
            one.sent = {token.requested_at(), token.requested_at_steady()};
            one.life = life;
            one.shortest = std::chrono::seconds::max();
            one.end = never;
            one.invalidated = false;
        }
        one.end = {std::min(one.end.wall, end.wall), std::min(one.end.steady, end.steady)};
        one.shortest = std::min(one.shortest, life.value_or(std::chrono::seconds::max()));
        stored_ = token;
    }

    [[nodiscard]] bool stored_again() const { return stored_again_; }

private:
    access_token make(std::string value, clock_pair sent, std::optional<std::chrono::seconds> life)
    {
        coauth::access_token_info info;
        info.value = coauth::secret(std::move(value));
        info.requested_at = sent.wall;
        info.requested_at_steady = sent.steady;
        info.lifetime = life;
        return access_token(std::move(info));
    }

    access_token new_token(clock_pair sent)
    {
        issued_token issued;
        issued.sent = sent;
        issued.life = choices_.lifetime();
        issued.shortest = issued.life.value_or(std::chrono::seconds::max());
        issued.token = make("t" + std::to_string(++tokens_), sent, issued.life);
        issued_.push_back(issued);
        if (issued_.size() > 8)
            issued_.erase(std::find_if(
                issued_.begin(), issued_.end(),
                [&](auto const& one) { return !(one.token == stored_); }));
        return issued.token;
    }

    access_token same_token(clock_pair sent)
    {
        return make(std::string(issued_.back().token.value()), sent, choices_.lifetime());
    }

    Choices& choices_;
    simulated_clock const& clock_;
    std::uint64_t tokens_ = 0;
    std::deque<issued_token> issued_;
    access_token stored_;
    bool stored_again_ = false;
};

} // namespace test

#endif
