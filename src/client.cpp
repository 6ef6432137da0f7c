#include <coauth/async_get_access_token.hpp>
#include <coauth/client.hpp>

#include "net/exchange.hpp"
#include "net/tls_context.hpp"
#include "protocol/answer.hpp"
#include "protocol/mask.hpp"
#include "protocol/request.hpp"
#include "protocol/validate.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <map>
#include <mutex>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{

using token_handler = asio::any_completion_handler<access_token_signature>;

class client_core : public std::enable_shared_from_this<client_core>
{
public:
    client_core(asio::any_io_executor run_on, client_config given)
        : executor(std::move(run_on))
        , config(std::move(given))
        , endpoint_(check())
    {
    }

    [[nodiscard]] result<void> status() const
    {
        if (endpoint_)
            return {};
        return endpoint_.error();
    }

    void start(token_request request, token_handler handler);
    void close() noexcept;

    // False: the client is closed, and nothing may start.
    bool enrol(std::shared_ptr<net::exchange> const& running);
    void dismiss(net::exchange const* ended);

    [[nodiscard]] result<access_token>
    read(token_request const& request, result<net::exchange_outcome> outcome) const;

    asio::any_io_executor const executor;
    client_config const config;

private:
    result<protocol::endpoint> check();
    [[nodiscard]] result<net::exchange_plan> plan(token_request const& request) const;
    void debug(std::string const& text) const noexcept;

    std::shared_ptr<asio::ssl::context> tls_;
    result<protocol::endpoint> endpoint_;

    // Guards the two below, and is held across no operation.
    std::mutex mutex_;
    bool closed_ = false;
    std::map<net::exchange const*, std::weak_ptr<net::exchange>> running_;
};

result<protocol::endpoint> client_core::check()
{
    auto endpoint = protocol::check_config(config);
    if (!endpoint || !endpoint->tls)
        return endpoint;
    auto context = net::find_tls_context(config.tls);
    if (!context)
        return context.error();
    tls_ = std::move(*context);
    return endpoint;
}

// One call: its handler, and what keeps the handler's context at work until it is called.
class operation
{
public:
    operation(std::shared_ptr<client_core> core, token_request request, token_handler handler)
        : core_(std::move(core))
        , request_(std::move(request))
        , handler_(std::move(handler))
        , executor_(asio::prefer(
              asio::get_associated_executor(handler_, core_->executor),
              asio::execution::outstanding_work.tracked))
    {
    }

    // Lets the handler's cancellation slot end the exchange.
    void obey_slot(std::weak_ptr<net::exchange> running)
    {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (!slot.is_connected())
            return;
        slot.assign(
            [running = std::move(running)](asio::cancellation_type type)
            {
                if (type == asio::cancellation_type::none)
                    return;
                if (auto const target = running.lock())
                    target->abort(errc::cancelled);
            });
    }

    void begin(net::exchange_plan plan) &&;

    // On the handler's own executor: the slot is cleared there, where alone it may be emitted.
    void complete(result<access_token> outcome)
    {
        auto deliver = [handler = std::move(handler_), outcome = std::move(outcome)]() mutable
        {
            asio::get_associated_cancellation_slot(handler).clear();
            std::move(handler)(std::move(outcome));
        };
        asio::dispatch(asio::bind_executor(executor_, std::move(deliver)));
    }

    // Never within the initiating function.
    void complete_later(error why) &&
    {
        auto const executor = core_->executor;
        asio::post(
            executor, [failed = std::move(*this), why = std::move(why)]() mutable
            { failed.complete(std::move(why)); });
    }

private:
    std::shared_ptr<client_core> core_;
    token_request request_;
    token_handler handler_;
    asio::any_completion_executor executor_;
};

void operation::begin(net::exchange_plan plan) &&
{
    auto const running = net::exchange::make(core_->executor, std::move(plan));
    obey_slot(running);
    if (!core_->enrol(running))
        return std::move(*this).complete_later(errc::cancelled);
    running->begin(
        [key = running.get(),
         self = std::move(*this)](result<net::exchange_outcome> outcome) mutable
        {
            self.core_->dismiss(key);
            self.complete(self.core_->read(self.request_, std::move(outcome)));
        });
}

void client_core::start(token_request request, token_handler handler)
{
    auto planned = plan(request);
    operation op(shared_from_this(), std::move(request), std::move(handler));
    if (planned)
        std::move(op).begin(std::move(*planned));
    else
        std::move(op).complete_later(planned.error());
}

result<net::exchange_plan> client_core::plan(token_request const& request) const
{
    if (!endpoint_)
        return endpoint_.error();
    auto wire = protocol::build_token_request(config, *endpoint_, request);
    if (!wire)
        return wire.error();
    if (config.debug)
        debug(protocol::masked_request(*wire));
    net::exchange_plan made;
    made.tls = tls_;
    made.host = endpoint_->host;
    made.port = endpoint_->port;
    made.ip_literal = endpoint_->ip_literal;
    made.request = std::move(*wire);
    made.limits = config.limits;
    made.timeout = config.timeout;
    made.observer = config.observer;
    return made;
}

result<access_token>
client_core::read(token_request const& request, result<net::exchange_outcome> outcome) const
{
    if (!outcome)
        return std::move(outcome).error();
    if (config.debug)
        debug(protocol::masked_answer(outcome->answer, config));
    protocol::exchange_times const times{
        outcome->sent, outcome->sent_steady, std::chrono::system_clock::now()};
    return protocol::read_token_answer(config, request, std::move(outcome->answer), times);
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

bool client_core::enrol(std::shared_ptr<net::exchange> const& running)
{
    std::lock_guard const lock(mutex_);
    if (!closed_)
        running_.insert_or_assign(running.get(), running);
    return !closed_;
}

void client_core::dismiss(net::exchange const* ended)
{
    std::lock_guard const lock(mutex_);
    running_.erase(ended);
}

void client_core::close() noexcept
{
    std::lock_guard const lock(mutex_);
    closed_ = true;
    for (auto const& [key, weak] : running_)
        if (auto const running = weak.lock())
            running->abort(errc::cancelled);
}

void start_get_access_token(
    std::shared_ptr<client_core> const& core, token_request request, token_handler handler)
{
    core->start(std::move(request), std::move(handler));
}

std::shared_ptr<client_core> make_client_core(asio::any_io_executor executor, client_config config)
{
    return std::make_shared<client_core>(std::move(executor), std::move(config));
}

asio::awaitable<result<access_token>>
get_access_token(std::shared_ptr<client_core> core, token_request request)
{
    auto outcome =
        co_await asio::async_initiate<asio::use_awaitable_t<> const, access_token_signature>(
            initiate_get_access_token(std::move(core)), asio::use_awaitable, std::move(request));
    co_return outcome;
}

} // namespace detail

result<void> validate(client_config const& config)
{
    auto const endpoint = protocol::check_config(config);
    if (!endpoint)
        return endpoint.error();
    if (!endpoint->tls)
        return {};
    auto const context = net::find_tls_context(config.tls);
    if (!context)
        return context.error();
    return {};
}

client::client(executor_type executor, client_config config)
    : core_(detail::make_client_core(std::move(executor), std::move(config)))
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
    return core_->executor;
}

result<void> client::status() const
{
    return core_->status();
}

asio::awaitable<result<access_token>> client::async_get_access_token(token_request request)
{
    return detail::get_access_token(core_, std::move(request));
}

void client::close() noexcept
{
    if (core_)
        core_->close();
}

} // namespace coauth
