#include <coauth/discover.hpp>

#include "client_core.hpp"
#include "errand.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <list>
#include <mutex>
#include <optional>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{
namespace
{

using clock = std::chrono::steady_clock;
using found = result<authorization_server>;

// What was found lately, for the process. Whom the answer came from is part of the key: another
// trust store could have accepted another server.
class metadata_cache
{
public:
    std::optional<authorization_server>
    find(std::string const& issuer, discovery_options const& options)
    {
        std::lock_guard const lock(mutex_);
        for (auto i = entries_.begin(); i != entries_.end(); ++i)
        {
            if (i->issuer != issuer || !same(i->tls, options.tls))
                continue;
            if (clock::now() - i->fetched >= options.lifetime)
                return std::nullopt;
            entries_.splice(entries_.begin(), entries_, i);
            return i->server;
        }
        return std::nullopt;
    }

    void keep(discovery_options const& options, authorization_server const& server)
    {
        std::lock_guard const lock(mutex_);
        entries_.remove_if([&](entry const& one)
                           { return one.issuer == server.issuer && same(one.tls, options.tls); });
        entries_.push_front({server.issuer, options.tls, server, clock::now()});
        if (entries_.size() > capacity)
            entries_.pop_back();
    }

private:
    static constexpr std::size_t capacity = 256;

    struct entry
    {
        std::string issuer;
        tls_options tls;
        authorization_server server;
        clock::time_point fetched;
    };

    static bool same(tls_options const& a, tls_options const& b)
    {
        return a.ca_file == b.ca_file && a.ca_pem == b.ca_pem && a.crl_pem == b.crl_pem &&
               a.system_trust_store == b.system_trust_store;
    }

    std::mutex mutex_;
    // The latest used first.
    std::list<entry> entries_;
};

metadata_cache& cache()
{
    static metadata_cache one;
    return one;
}

// Where the metadata of RFC 8414 section 3.1 are, and those of OpenID Connect Discovery section 4.
struct well_known
{
    std::string oauth;
    std::string openid;
};

result<well_known> find_well_known(std::string const& issuer, bool allow_http_loopback)
{
    auto const good = protocol::parse_endpoint(issuer, "issuer", allow_http_loopback);
    if (!good)
        return good.error();
    if (issuer.find('?') != std::string::npos)
    {
        error_info info;
        info.context = "issuer contains a query; give the issuer identifier alone";
        return error(errc::invalid_configuration, std::move(info));
    }
    auto const host = issuer.find("://") + 3;
    auto const slash = issuer.find('/', host);
    auto const origin = issuer.substr(0, slash);
    auto path = slash == std::string::npos ? std::string() : issuer.substr(slash);
    if (path.ends_with('/'))
        path.pop_back();
    return well_known{
        origin + "/.well-known/oauth-authorization-server" + path,
        origin + path + "/.well-known/openid-configuration"};
}

std::shared_ptr<client_core> make_core(
    asio::any_io_executor const& executor, discovery_options const& options,
    std::chrono::milliseconds timeout, std::string url)
{
    client_config config;
    config.server.token_endpoint = std::move(url);
    config.authentication = client_authentication::none("discovery");
    config.tls = options.tls;
    config.proxy = options.proxy;
    config.timeout = timeout;
    config.allow_http_loopback = options.allow_http_loopback;
    config.user_agent = options.user_agent;
    config.retry.max_attempts = 1;
    config.connections.idle_timeout = {};
    return std::make_shared<client_core>(executor, std::move(config));
}

struct initiate_get_metadata
{
    std::shared_ptr<client_core> core;
    std::string issuer;

    template <class Handler>
    void operator()(Handler&& handler) const
    {
        core->start(std::make_unique<get_metadata>(
            issuer,
            delivery<std::decay_t<Handler>>(std::forward<Handler>(handler), core->executor)));
    }
};

asio::awaitable<found> ask(std::shared_ptr<client_core> core, std::string issuer)
{
    initiate_get_metadata start{std::move(core), std::move(issuer)};
    auto answer = co_await asio::async_initiate<asio::use_awaitable_t<> const, discovery_signature>(
        std::move(start), asio::use_awaitable);
    co_return answer;
}

// There are none here, which says nothing of elsewhere.
bool are_missing(error const& why)
{
    return why == errc::http_error ? why.http_status() < 500
                                   : why == errc::malformed_answer || why == errc::redirect_refused;
}

asio::awaitable<found>
discover(asio::any_io_executor executor, std::string issuer, discovery_options options)
{
    if (auto known = cache().find(issuer, options))
        co_return std::move(*known);
    auto const where = find_well_known(issuer, options.allow_http_loopback);
    if (!where)
        co_return where.error();
    // What came before is the caller's.
    auto const before = (co_await asio::this_coro::cancellation_state).cancelled();
    auto const began = clock::now();
    auto first = make_core(executor, options, options.timeout, where->oauth);
    auto answer = co_await ask(std::move(first), issuer);
    auto const now = (co_await asio::this_coro::cancellation_state).cancelled();
    if (!answer && now != before)
        co_return error(errc::cancelled);
    if (!answer && are_missing(answer.error()))
    {
        auto const used = std::chrono::floor<std::chrono::milliseconds>(clock::now() - began);
        auto const left = std::max(options.timeout - used, std::chrono::milliseconds(1));
        auto second = make_core(executor, options, left, where->openid);
        auto other = co_await ask(std::move(second), issuer);
        // Where there are metadata that cannot be used, that is what to say.
        if (other || answer.error() == errc::http_error)
            answer = std::move(other);
    }
    if (answer && options.lifetime.count() != 0)
        cache().keep(options, *answer);
    co_return answer;
}

asio::awaitable<found>
discover_apart(asio::any_io_executor executor, std::string issuer, discovery_options options)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::post(executor, asio::use_awaitable);
    auto const cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
    if (cancelled != asio::cancellation_type::none)
        co_return error(errc::cancelled);
    auto answer = co_await discover(executor, std::move(issuer), std::move(options));
    co_return answer;
}

} // namespace

void start_discover(
    asio::any_io_executor const& executor, std::string issuer, discovery_options options,
    asio::any_completion_handler<discovery_signature> handler)
{
    // `co_spawn` takes no notice of any but a terminal cancellation before its coroutine runs, and
    // throws then.
    auto const stop = std::make_shared<asio::cancellation_signal>();
    auto const stopped = std::make_shared<bool>(false);
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
        slot.assign(
            [stop, stopped](asio::cancellation_type type)
            {
                if (type == asio::cancellation_type::none)
                    return;
                *stopped = true;
                stop->emit(asio::cancellation_type::terminal);
            });
    auto done = [handler = std::move(handler), stop,
                 stopped](std::exception_ptr const& failure, found answer) mutable
    {
        if (failure)
            answer = error(*stopped ? errc::cancelled : errc::out_of_memory);
        std::move(handler)(std::move(answer));
    };
    asio::co_spawn(
        executor, discover_apart(executor, std::move(issuer), std::move(options)),
        asio::bind_cancellation_slot(stop->slot(), std::move(done)));
}

} // namespace detail

asio::awaitable<result<authorization_server>>
async_discover(asio::any_io_executor executor, std::string issuer, discovery_options const& options)
{
    return detail::discover(std::move(executor), std::move(issuer), options);
}

asio::awaitable<result<authorization_server>>
async_discover(asio::any_io_executor executor, std::string issuer)
{
    return detail::discover(std::move(executor), std::move(issuer), discovery_options());
}

} // namespace coauth
