#include <coauth/async_get_access_token.hpp>
#include <coauth/client.hpp>

#include "client/client_impl.hpp"
#include "client/introspection_call.hpp"
#include "client/issuer_call.hpp"
#include "client/operation.hpp"
#include "net/reserved_memory.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{

std::weak_ptr<abortable> start_get_access_token(
    std::shared_ptr<client_impl> const& client, token_request request, token_handler handler,
    token_call_options options)
{
    return start_operation(
        client,
        std::make_unique<token_call>(std::move(request), std::move(handler), std::move(options)));
}

void start_get_access_token(
    std::shared_ptr<client_impl> const& client, token_request request, token_handler handler)
{
    start_get_access_token(client, std::move(request), std::move(handler), token_call_options());
}

void start_introspect(
    std::shared_ptr<client_impl> const& client, secret token, std::string type_hint,
    introspection_call::handler_type handler)
{
    start_operation(
        client, std::make_unique<introspection_call>(
                    std::move(token), std::move(type_hint), client->introspection_keys,
                    std::move(handler)));
}

void start_revoke(
    std::shared_ptr<client_impl> const& client, secret token, std::string type_hint,
    revocation_call::handler_type handler)
{
    start_operation(
        client, std::make_unique<revocation_call>(
                    std::move(token), std::move(type_hint), std::move(handler)));
}

asio::any_io_executor executor_of(client_impl const& client) noexcept
{
    return client.executor;
}

// For one operation: connections are not reused, and requests are not retried.
std::shared_ptr<client_impl>
make_one_shot_core(asio::any_io_executor executor, client_config config)
{
    config.retry.max_attempts = 1;
    config.connections.idle_timeout = {};
    return std::make_shared<client_impl>(std::move(executor), std::move(config));
}

namespace
{

// Sets the handler of an operation and begins it: neither needs memory from the heap. Releases its
// reference to the operation, whose handler owns the coroutine that owns this object.
template <class T>
struct begin_operation
{
    std::shared_ptr<operation> op;
    endpoint_call_base<T>* call;
    std::shared_ptr<net::reserved_memory> memory;
    asio::any_io_executor executor;

    template <class Handler>
    void operator()(Handler&& handler)
    {
        auto const started = std::move(op);
        auto bound = asio::bind_allocator(
            net::reserved_allocator<std::byte>(memory), std::forward<Handler>(handler));
        call->set_handler(executor_bound_handler<decltype(bound)>(std::move(bound), executor));
        started->begin();
    }
};

// The same for a client that may have to discover its endpoints.
template <class T>
struct begin_issuer_call
{
    std::shared_ptr<client_impl> client;
    std::unique_ptr<endpoint_call_base<T>> call;

    template <class Handler>
    void operator()(Handler&& handler)
    {
        call->set_handler(executor_bound_handler<std::decay_t<Handler>>(
            std::forward<Handler>(handler), client->executor));
        start_operation(client, std::move(call));
    }
};

template <class T>
asio::awaitable<result<T>>
await_issuer_call(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call_base<T>> call)
{
    begin_issuer_call<T> begin{std::move(client), std::move(call)};
    auto outcome = co_await asio::async_initiate<asio::use_awaitable_t<> const, void(result<T>)>(
        std::move(begin), asio::use_awaitable);
    co_return outcome;
}

// Without memory it returns an error. To destroy the handler without a call would need memory.
template <class T>
asio::awaitable<result<T>> await_known_endpoint(
    std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call_base<T>> call)
{
    result<T> outcome = error(errc::out_of_memory);
    try
    {
        auto const memory = std::make_shared<net::reserved_memory>();
        auto* const observed_call = call.get();
        begin_operation<T> begin{
            operation::create(client, std::move(call)), observed_call, memory, client->executor};
        outcome = co_await asio::async_initiate<asio::use_awaitable_t<> const, void(result<T>)>(
            std::move(begin), asio::use_awaitable);
    }
    catch (std::bad_alloc const&)
    {
        outcome = error(errc::out_of_memory);
    }
    co_return outcome;
}

template <class T>
asio::awaitable<result<T>>
await_operation(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call_base<T>> call)
{
    return client->endpoints ? await_issuer_call(std::move(client), std::move(call))
                             : await_known_endpoint(std::move(client), std::move(call));
}

} // namespace

asio::awaitable<result<access_token>>
get_access_token(std::shared_ptr<client_impl> client, token_request request)
{
    return await_operation<access_token>(
        std::move(client),
        std::make_unique<token_call>(std::move(request), token_call::handler_type()));
}

} // namespace detail

client::client(executor_type executor, client_config config)
    : core_(std::make_shared<detail::client_impl>(std::move(executor), std::move(config)))
{
}

client::~client()
{
    close();
}
client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept
{
    if (this != &other)
    {
        close();
        core_ = std::move(other.core_);
    }
    return *this;
}

client::executor_type client::get_executor() const noexcept
{
    return detail::executor_of(*core_);
}

result<void> client::validate() const
{
    return core_->validate();
}

asio::awaitable<result<access_token>> client::async_get_access_token(token_request request)
{
    return detail::get_access_token(core_, std::move(request));
}

asio::awaitable<result<introspection>> client::async_introspect(secret token, std::string type_hint)
{
    using call = detail::introspection_call;
    return detail::await_operation<introspection>(
        core_, std::make_unique<call>(
                   std::move(token), std::move(type_hint), core_->introspection_keys,
                   call::handler_type()));
}

asio::awaitable<result<void>> client::async_revoke(secret token, std::string type_hint)
{
    using call = detail::revocation_call;
    return detail::await_operation<void>(
        core_,
        std::make_unique<call>(std::move(token), std::move(type_hint), call::handler_type()));
}

client_counters client::counters() const
{
    return core_->counters();
}

void client::close() noexcept
{
    if (core_)
        core_->close();
}

} // namespace coauth
