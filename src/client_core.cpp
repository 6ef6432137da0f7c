#include "client_core.hpp"

#include "client_operation.hpp"
#include "net/tls_context.hpp"
#include "protocol/answer.hpp"
#include "protocol/mask.hpp"
#include "protocol/proxy.hpp"
#include "protocol/request.hpp"
#include "protocol/validate.hpp"

#include <boost/asio/query.hpp>

#include <cstdlib>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

std::optional<std::string> variable(char const* name)
{
    char const* const value = std::getenv(name);
    if (value == nullptr)
        return std::nullopt;
    return value;
}

std::atomic<std::uint64_t> last_client{0};

std::uint16_t port_number(std::string const& port)
{
    return static_cast<std::uint16_t>(std::stoul(port));
}

} // namespace

client_core::client_core(asio::any_io_executor run_on, client_config given)
    : number(++last_client)
    , executor(std::move(run_on))
    , config(std::move(given))
    , pool(std::make_shared<client_pool>(config, executor))
    , deadlines(std::make_shared<client_deadlines>(executor))
    , endpoint_(prepare())
{
    // Asio ends the services of a context in the reverse order of their making: after this, those
    // of sockets exist, and the watch comes before them.
    asio::ip::tcp::socket const made_for_its_service(executor);
    auto& watch =
        asio::use_service<net::context_watch>(asio::query(executor, asio::execution::context));
    watch.add(*this);
    watch_ = &watch;
}

client_core::~client_core()
{
    if (auto* const watch = watch_.load())
        watch->remove(*this);
}

void client_core::context_gone() noexcept
{
    // The operations that are abandoned here may be all that holds the client.
    auto const self = weak_from_this().lock();
    watch_ = nullptr;
    deadlines->context_gone();
    pool->context_gone();
    if (target_)
        target_->lookups->context_gone();
}

result<protocol::endpoint> client_core::prepare()
{
    auto endpoint = protocol::check_config(config);
    if (!endpoint)
        return endpoint;
    auto made = std::make_shared<net::target>();
    auto proxy = protocol::find_proxy(config.proxy, *endpoint, variable);
    if (!proxy)
        return proxy.error();
    if (*proxy)
    {
        made->proxy_host = std::move((*proxy)->host);
        made->proxy_port = (*proxy)->port;
        made->tunnel_request = std::move((*proxy)->request);
    }
    if (endpoint->tls)
    {
        auto context = net::find_tls_context(config.tls);
        if (!context)
            return context.error();
        made->tls = std::move(*context);
    }
    made->host = endpoint->host;
    made->port = port_number(endpoint->port);
    made->ip_literal = endpoint->ip_literal;
    made->limits = config.limits;
    made->all_headers = config.keep_headers || config.debug;
    made->connect_stagger = config.connections.connect_stagger;
    made->lookups = std::make_shared<net::lookup_cache>(executor, config.connections);
    target_ = std::move(made);
    return endpoint;
}

result<void> client_core::status() const
{
    if (endpoint_)
        return {};
    return endpoint_.error();
}

std::unique_ptr<net::connection> client_core::make_connection() const
{
    return std::make_unique<net::connection>(executor, target_);
}

result<secret> client_core::ask_for_secret() const
{
    try
    {
        return config.authentication.client_secret_function()();
    }
    catch (std::bad_alloc const&)
    {
        return error(errc::out_of_memory);
    }
    catch (...)
    {
        error_info info;
        info.context = "the function that gives the client secret threw an exception";
        return error(errc::invalid_configuration, std::move(info));
    }
}

result<std::shared_ptr<client_config const>> client_core::present_config()
{
    bool const fixed = !config.authentication.client_secret_function();
    std::lock_guard const lock(present_mutex_);
    if (fixed && present_)
        return present_;
    auto given = fixed ? result<secret>(secret()) : ask_for_secret();
    if (!given)
    {
        secret_failed_ = true;
        return given.error();
    }
    if (present_ && !secret_failed_ && present_->authentication.client_secret() == *given)
        return present_;
    auto made = std::make_shared<client_config>(config);
    if (!fixed)
        made->authentication = config.authentication.with_secret(std::move(*given));
    auto const usable = protocol::check_config(*made);
    secret_failed_ = !usable;
    if (!usable)
        return usable.error();
    present_ = std::move(made);
    ++credentials_;
    return present_;
}

std::uint64_t client_core::look_for_credentials()
{
    if (config.authentication.client_secret_function())
        (void)present_config();
    return credentials_;
}

result<client_core::built> client_core::build(token_request const& request)
{
    if (!endpoint_)
        return endpoint_.error();
    auto const present = present_config();
    if (!present)
        return present.error();
    built made;
    {
        std::lock_guard const lock(built_mutex_);
        if (built_.config == *present && built_for_ == request)
            made = built_;
    }
    if (!made.wire)
    {
        auto wire = protocol::build_token_request(**present, *endpoint_, request);
        if (!wire)
            return wire.error();
        made = {std::make_shared<secret const>(std::move(*wire)), *present};
        std::lock_guard const lock(built_mutex_);
        built_ = made;
        built_for_ = request;
    }
    if (config.debug)
        debug(protocol::masked_request(*made.wire));
    return made;
}

result<access_token> client_core::read(
    token_request const& request, client_config const& sent_with,
    net::exchange_outcome outcome) const
{
    if (config.debug)
        debug(protocol::masked_answer(outcome.answer, sent_with));
    protocol::exchange_times const times{
        outcome.sent, outcome.sent_steady, std::chrono::system_clock::now()};
    return protocol::read_token_answer(sent_with, request, std::move(outcome.answer), times);
}

void client_core::debug(std::string const& text) const noexcept
{
    try
    {
        config.debug(text);
    }
    catch (...) // NOLINT(bugprone-empty-catch): a log that fails must not fail the operation
    {
    }
}

std::weak_ptr<timed> client_core::start(token_request request, token_handler handler)
{
    return operation::start(shared_from_this(), std::move(request), std::move(handler));
}

void client_core::close() noexcept
{
    deadlines->close();
    pool->close();
}

client_counters client_core::counters() const
{
    client_counters now;
    now.tokens = counts.tokens;
    now.failures = counts.failures;
    now.attempts = counts.attempts;
    now.connections_opened = counts.opened;
    now.sessions_resumed = counts.resumed;
    now.connections_reused = counts.reused;
    pool->count(now);
    return now;
}

} // namespace coauth::detail
