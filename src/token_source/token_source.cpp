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

inline asio::awaitable<result<access_token>> return_token(access_token token)
{
    co_return std::move(token);
}

asio::awaitable<result<access_token>>
wait_for_token(std::shared_ptr<token_source_impl> const& source, get_options const& options)
{
    return asio::async_initiate<asio::use_awaitable_t<> const, access_token_completion_signature>(
        initiate_get_from_source(source, options), asio::use_awaitable);
}

// On a hit the coroutine does not own the source: all threads would contend for its reference
// count. Inlined, because a call would be a noticeable part of a hit.
[[gnu::always_inline]] inline asio::awaitable<result<access_token>>
get_or_wait(std::shared_ptr<token_source_impl> const& source, get_options const& options)
{
    if (auto token = source->try_get())
        return return_token(std::move(token));
    return wait_for_token(source, options);
}

} // namespace

asio::awaitable<result<access_token>>
get_from_source(std::shared_ptr<token_source_impl> const& source)
{
    return get_or_wait(source, {});
}

bool invalidate_in_source(token_source_impl& source, access_token const& token) noexcept
{
    return source.invalidate(token);
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

token_source::token_source(
    token_fetcher const& fetcher, token_request request, token_source_options options)
    : impl_(std::make_shared<detail::token_source_impl>(
          fetcher.impl_, std::move(request), std::move(options)))
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
        impl_ = std::move(other.impl_);
    }
    return *this;
}

token_source::executor_type token_source::get_executor() const noexcept
{
    return impl_->executor;
}

access_token token_source::try_get() noexcept
{
    return impl_->try_get();
}

asio::awaitable<result<access_token>> token_source::async_get_access_token()
{
    return detail::get_or_wait(impl_, {});
}

asio::awaitable<result<access_token>>
token_source::async_get_access_token(std::chrono::milliseconds limit)
{
    return detail::get_or_wait(impl_, {false, limit});
}

asio::awaitable<result<access_token>> token_source::async_get_new_access_token()
{
    return detail::wait_for_token(impl_, {true});
}

asio::awaitable<result<access_token>>
token_source::async_get_new_access_token(std::chrono::milliseconds limit)
{
    return detail::wait_for_token(impl_, {true, limit});
}

void token_source::warm_up() noexcept
{
    impl_->warm_up();
}

bool token_source::invalidate(access_token const& token) noexcept
{
    return impl_->invalidate(token);
}

bool token_source::invalidate(access_token const& token, api_challenge const& challenge)
{
    return impl_->invalidate(token, challenge);
}

token_source_status token_source::status() const
{
    return impl_->status();
}

token_source_counters token_source::counters() const
{
    return impl_->counters();
}

void token_source::close() noexcept
{
    if (impl_)
        impl_->close();
}

} // namespace coauth
