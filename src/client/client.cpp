#include <coauth/async_get_access_token.hpp>
#include <coauth/client.hpp>

#include "authentication/load_key.hpp"
#include "client/client_impl.hpp"
#include "client/endpoint_call.hpp"
#include "client/operation.hpp"
#include "net/client_certificate.hpp"
#include "net/reserved_memory.hpp"
#include "net/tls_context.hpp"
#include "protocol/config_validation.hpp"
#include "protocol/proxy.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{

void start_get_access_token(
    std::shared_ptr<client_impl> const& core, token_request request, token_handler handler)
{
    core->start(std::move(request), std::move(handler));
}

void start_introspect(
    std::shared_ptr<client_impl> const& core, secret token, std::string type_hint,
    introspection_call::handler handler)
{
    core->start(std::make_unique<introspection_call>(
        std::move(token), std::move(type_hint), std::move(handler)));
}

void start_revoke(
    std::shared_ptr<client_impl> const& core, secret token, std::string type_hint,
    revocation_call::handler handler)
{
    core->start(std::make_unique<revocation_call>(
        std::move(token), std::move(type_hint), std::move(handler)));
}

asio::any_io_executor executor_of(client_impl const& core) noexcept
{
    return core.executor;
}

// For one operation: nothing is kept for a next one, and nothing repeated.
std::shared_ptr<client_impl>
make_one_shot_core(asio::any_io_executor executor, client_config config)
{
    config.retry.max_attempts = 1;
    config.connections.idle_timeout = {};
    return std::make_shared<client_impl>(std::move(executor), std::move(config));
}

namespace
{

// Gives an operation its handler, and begins it: for neither there has to be memory. It lets go of
// the operation, which owns by its handler the coroutine that owns this.
template <class T>
struct begin_operation
{
    std::shared_ptr<operation> op;
    endpoint_call_of<T>* what;
    std::shared_ptr<net::reserved_memory> memory;
    asio::any_io_executor executor;

    template <class Handler>
    void operator()(Handler&& handler)
    {
        auto const begun = std::move(op);
        auto bound = asio::bind_allocator(
            net::reserved_allocator<std::byte>(memory), std::forward<Handler>(handler));
        what->hold(executor_bound_handler<decltype(bound)>(std::move(bound), executor));
        begun->begin();
    }
};

// Without memory the caller is told so. A handler that is destroyed uncalled would need some.
template <class T>
asio::awaitable<result<T>>
await_operation(std::shared_ptr<client_impl> core, std::unique_ptr<endpoint_call_of<T>> what)
{
    result<T> outcome = error(errc::out_of_memory);
    try
    {
        auto const memory = std::make_shared<net::reserved_memory>();
        auto* const held = what.get();
        begin_operation<T> begin{
            operation::make(core, std::move(what)), held, memory, core->executor};
        outcome = co_await asio::async_initiate<asio::use_awaitable_t<> const, void(result<T>)>(
            std::move(begin), asio::use_awaitable);
    }
    catch (std::bad_alloc const&)
    {
        outcome = error(errc::out_of_memory);
    }
    co_return outcome;
}

} // namespace

asio::awaitable<result<access_token>>
get_access_token(std::shared_ptr<client_impl> core, token_request request)
{
    return await_operation<access_token>(
        std::move(core), std::make_unique<token_call>(std::move(request), token_call::handler()));
}

} // namespace detail

result<void> validate(client_config const& config)
{
    auto const endpoint = protocol::check_config(config);
    if (!endpoint)
        return endpoint.error();
    auto const key = detail::load_key(config, std::chrono::system_clock::now());
    if (!key)
        return key.error();
    if (config.dpop)
        if (auto const usable = config.dpop->validate(config.server.dpop_algorithms); !usable)
            return usable;
    auto const proxy = protocol::find_proxy(config.proxy, *endpoint, protocol::process_environment);
    if (!proxy)
        return proxy.error();
    if (!endpoint->tls)
        return {};
    auto const context = net::find_tls_context(config.tls);
    if (!context)
        return context.error();
    auto const certificate = net::client_certificate::load(config.tls);
    if (!certificate)
        return certificate.error();
    return {};
}

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
    using what = detail::introspection_call;
    return detail::await_operation<introspection>(
        core_, std::make_unique<what>(std::move(token), std::move(type_hint), what::handler()));
}

asio::awaitable<result<void>> client::async_revoke(secret token, std::string type_hint)
{
    using what = detail::revocation_call;
    return detail::await_operation<void>(
        core_, std::make_unique<what>(std::move(token), std::move(type_hint), what::handler()));
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
