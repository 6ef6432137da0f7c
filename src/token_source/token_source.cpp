#include <coauth/async_call_with_token.hpp>
#include <coauth/token_source.hpp>

#include "token_source/token_source_impl.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{
namespace
{

inline asio::awaitable<result<access_token>> had(access_token token)
{
    co_return std::move(token);
}

asio::awaitable<result<access_token>>
wait_for(std::shared_ptr<token_source_impl> const& core, get_options const& wish)
{
    return asio::async_initiate<asio::use_awaitable_t<> const, access_token_completion_signature>(
        initiate_get_from_source(core, wish), asio::use_awaitable);
}

// The coroutine of a hit has no part in the source: copying a reference to that would be what all
// threads contend for. All in one function: a hit is short enough to feel a call.
[[gnu::always_inline]] inline asio::awaitable<result<access_token>>
get_or_wait(std::shared_ptr<token_source_impl> const& core, get_options const& wish)
{
    if (auto token = core->try_get())
        return had(std::move(token));
    return wait_for(core, wish);
}

} // namespace

asio::awaitable<result<access_token>>
get_from_source(std::shared_ptr<token_source_impl> const& core)
{
    return get_or_wait(core, {});
}

bool invalidate_in_source(token_source_impl& core, access_token const& token) noexcept
{
    return core.invalidate(token);
}

} // namespace detail

std::string_view to_string(token_source_state state) noexcept
{
    switch (state)
    {
    case token_source_state::empty:
        return "empty";
    case token_source_state::fetching:
        return "fetching";
    case token_source_state::fresh:
        return "fresh";
    case token_source_state::refreshing:
        return "refreshing";
    case token_source_state::back_off:
        return "back_off";
    case token_source_state::closed:
        return "closed";
    }
    return "unknown";
}

token_source::token_source(client& client, token_request request, token_source_options options)
    : core_(std::make_shared<detail::token_source_impl>(client.core_, std::move(request), options))
{
}

token_source::~token_source()
{
    close();
}
token_source::token_source(token_source&&) noexcept = default;

token_source& token_source::operator=(token_source&& other) noexcept
{
    if (this != &other)
    {
        close();
        core_ = std::move(other.core_);
    }
    return *this;
}

token_source::executor_type token_source::get_executor() const noexcept
{
    return core_->executor;
}

access_token token_source::try_get() noexcept
{
    return core_->try_get();
}

asio::awaitable<result<access_token>> token_source::async_get_access_token()
{
    return detail::get_or_wait(core_, {});
}

asio::awaitable<result<access_token>>
token_source::async_get_access_token(std::chrono::milliseconds limit)
{
    return detail::get_or_wait(core_, {false, limit});
}

asio::awaitable<result<access_token>> token_source::async_get_new_access_token()
{
    return detail::wait_for(core_, {true});
}

asio::awaitable<result<access_token>>
token_source::async_get_new_access_token(std::chrono::milliseconds limit)
{
    return detail::wait_for(core_, {true, limit});
}

void token_source::warm_up() noexcept
{
    core_->warm_up();
}

bool token_source::invalidate(access_token const& token) noexcept
{
    return core_->invalidate(token);
}

token_source_status token_source::status() const
{
    return core_->status();
}

token_source_counters token_source::counters() const
{
    return core_->counters();
}

void token_source::close() noexcept
{
    if (core_)
        core_->close();
}

} // namespace coauth
