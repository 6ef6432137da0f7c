#include "client/client_impl.hpp"

#include "authentication/load_key.hpp"
#include "client/endpoint_call.hpp"
#include "client/operation.hpp"
#include "crypto/jwt.hpp"
#include "net/client_certificate.hpp"
#include "net/tls_context.hpp"
#include "protocol/http_request.hpp"
#include "protocol/proxy.hpp"
#include "protocol/redacted_trace.hpp"
#include "protocol/token_response.hpp"
#include "values/call_secret_provider.hpp"

#include <boost/asio/query.hpp>

#include <algorithm>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

std::atomic<std::uint64_t> last_client{0};

std::uint16_t port_number(std::string const& port)
{
    return static_cast<std::uint16_t>(std::stoul(port));
}

bool same_origin(protocol::endpoint const& a, protocol::endpoint const& b)
{
    return a.tls == b.tls && a.host == b.host && a.port == b.port;
}

result<std::shared_ptr<net::target const>> make_target(
    protocol::endpoint const& endpoint, client_config const& config,
    asio::any_io_executor const& executor)
{
    auto made = std::make_shared<net::target>();
    auto proxy = protocol::find_proxy(config.proxy, endpoint, protocol::process_environment);
    if (!proxy)
        return proxy.error();
    if (*proxy)
    {
        made->proxy_host = std::move((*proxy)->host);
        made->proxy_port = (*proxy)->port;
        made->tunnel_request = std::move((*proxy)->request);
    }
    if (endpoint.tls)
    {
        auto context = net::find_tls_context(config.tls);
        if (!context)
            return context.error();
        made->tls = std::move(*context);
        auto certificate = net::client_certificate::load(config.tls);
        if (!certificate)
            return certificate.error();
        made->certificate = std::move(*certificate);
    }
    made->host = endpoint.host;
    made->port = port_number(endpoint.port);
    made->ip_literal = endpoint.ip_literal;
    made->limits = config.limits;
    made->all_headers = config.keep_headers || config.debug;
    made->connection_attempt_delay = config.connections.connection_attempt_delay;
    made->lookups = std::make_shared<net::resolver>(executor, config.connections);
    return std::shared_ptr<net::target const>(std::move(made));
}

} // namespace

client_impl::client_impl(asio::any_io_executor run_on, client_config given)
    : number(++last_client)
    , executor(std::move(run_on))
    , config(std::move(given))
    , deadlines(std::make_shared<deadline_queue>(executor))
    , signers(std::make_shared<pending_signatures>())
    , status_(prepare())
{
    // Asio ends the services of a context in the reverse order of their making: after this, those
    // of sockets exist, and the watch comes before them.
    asio::ip::tcp::socket const made_for_its_service(executor);
    watch(asio::query(executor, asio::execution::context));
}

client_impl::~client_impl()
{
    leave();
}

void client_impl::context_gone() noexcept
{
    // The operations that are abandoned here may be all that holds the client.
    auto const self = weak_from_this().lock();
    context_is_gone_ = true;
    deadlines->context_gone();
    signers->context_gone();
    each_pool([](connection_pool& pool) { pool.context_gone(); });
    for (auto const& one : destinations_)
        if (one)
            one->target->lookups->context_gone();
}

result<void> client_impl::prepare()
{
    auto const good = protocol::check_config(config);
    if (!good)
        return good.error();
    auto key = load_key(config, std::chrono::system_clock::now());
    if (!key)
        return key.error();
    key_ = std::move(*key);
    if (config.dpop)
        if (auto const usable = config.dpop->validate(config.server.dpop_algorithms); !usable)
            return usable;
    for (auto const of :
         {protocol::endpoint_kind::token, protocol::endpoint_kind::introspection, protocol::endpoint_kind::revocation})
        destinations_.push_back(prepare(of));
    if (!destinations_.front())
        return destinations_.front().error();
    if (auto const& certificate = destinations_.front()->target->certificate)
        shown_ = certificate->present()->fingerprint();
    return {};
}

result<client_impl::destination> client_impl::prepare(protocol::endpoint_kind of) const
{
    destination made;
    made.url = protocol::endpoint_url_for(config, of);
    auto endpoint = protocol::make_endpoint_for(config, of);
    if (!endpoint)
        return endpoint.error();
    made.endpoint = std::move(*endpoint);
    for (auto const& other : destinations_)
        if (other && same_origin(other->endpoint, made.endpoint))
        {
            made.target = other->target;
            made.pool = other->pool;
            return made;
        }
    auto target = make_target(made.endpoint, config, executor);
    if (!target)
        return target.error();
    made.target = std::move(*target);
    made.pool = std::make_shared<connection_pool>(config, executor);
    return made;
}

template <class F>
void client_impl::each_pool(F const& f) const
{
    for (std::size_t i = 0; i < destinations_.size(); ++i)
    {
        auto const pool_of = [&](std::size_t n)
        { return destinations_[n] ? destinations_[n]->pool.get() : nullptr; };
        connection_pool* const pool = pool_of(i);
        bool seen = pool == nullptr;
        for (std::size_t other = 0; other < i; ++other)
            seen = seen || pool_of(other) == pool;
        if (!seen)
            f(*pool);
    }
}

result<void> client_impl::validate() const
{
    return status_;
}

result<client_impl::destination const*> client_impl::where(protocol::endpoint_kind of) const
{
    if (!status_)
        return status_.error();
    auto const& found = destinations_[static_cast<std::size_t>(of)];
    if (!found)
        return found.error();
    return &*found;
}

bool client_impl::needs_signing(endpoint_call const& what) const noexcept
{
    auto const how = config.authentication.type();
    auto const* const request = what.request();
    bool const asks = request != nullptr && protocol::has_dynamic_parameters(*request);
    return asks || config.dpop || how == authentication_method::client_secret_jwt ||
           how == authentication_method::private_key_jwt;
}

result<secret>
client_impl::jws_signing_input(client_config const& present, std::string const& url) const
{
    auto const& who = present.authentication;
    auto const& wanted = who.assertions();
    if (!key_ && who.type() != authentication_method::client_secret_jwt)
        return secret();
    auto const id = protocol::unique_id();
    if (!id)
        return id.error();
    protocol::assertion_claims claims;
    claims.issuer = who.client_id();
    claims.subject = who.client_id();
    claims.audience = protocol::audience_of(present, url);
    claims.type = wanted.type;
    claims.id = *id;
    claims.issued_at = std::chrono::system_clock::now();
    claims.lifetime = wanted.lifetime;
    if (key_)
        return protocol::jws_signing_input(*key_, claims);
    return protocol::jws_signing_input(who.algorithm(), claims);
}

result<secret> client_impl::sign(client_config const& present, std::string_view input) const
{
    if (key_)
        return key_->sign(input);
    auto const& who = present.authentication;
    return protocol::hmac(who.algorithm(), who.client_secret(), input);
}

result<client_impl::snapshot> client_impl::current_config()
{
    auto const& function = config.authentication.client_secret_provider();
    // The user's: not with the lock held.
    auto given = function
                     ? protocol::ask(function, protocol::secret_name(config.authentication.type()))
                     : result<secret>(secret());
    std::lock_guard const lock(present_mutex_);
    if (!given)
    {
        secret_failed_ = true;
        return given.error();
    }
    bool const same = !function || (present_ && present_->authentication.client_secret() == *given);
    if (present_ && same && !secret_failed_)
        return snapshot{present_, credentials_};
    auto made = std::make_shared<client_config>(config);
    if (function)
        made->authentication = config.authentication.with_secret(std::move(*given));
    auto const usable = protocol::check_config(*made);
    secret_failed_ = !usable;
    if (!usable)
        return usable.error();
    present_ = std::move(made);
    return snapshot{present_, ++credentials_};
}

std::uint64_t client_impl::refresh_credentials()
{
    if (config.authentication.client_secret_provider())
        (void)current_config();
    auto const to = where(protocol::endpoint_kind::token);
    if (to && (*to)->target->certificate)
    {
        auto const present = (*to)->target->certificate->present();
        std::lock_guard const lock(present_mutex_);
        if (std::exchange(shown_, present->fingerprint()) != present->fingerprint())
            ++credentials_;
    }
    return credentials_;
}

result<client_impl::built> client_impl::build(
    endpoint_call const& what, destination const& to, snapshot const& present,
    protocol::attempt_credentials const* proofs)
{
    bool const whole = proofs != nullptr || !needs_signing(what);
    auto const* const request = proofs == nullptr && whole ? what.request() : nullptr;
    built made;
    if (request != nullptr)
    {
        std::lock_guard const lock(built_mutex_);
        if (built_.config == present.config && built_for_ == *request)
            made = built_;
    }
    if (!made.wire)
    {
        auto wire = what.build(
            *present.config, to.endpoint,
            proofs != nullptr ? *proofs : protocol::attempt_credentials());
        if (!wire)
            return wire.error();
        made = {std::make_shared<secret const>(std::move(*wire)), present.config};
    }
    made.credentials = present.credentials;
    if (request != nullptr)
    {
        auto copy = *request;
        std::lock_guard const lock(built_mutex_);
        built_ = made;
        built_for_ = std::move(copy);
    }
    return made;
}

void client_impl::show(built const& request) const
{
    if (config.debug)
        debug(protocol::redact_request(*request.wire));
}

result<void> client_impl::read(
    endpoint_call& what, destination const& from, built const& sent,
    net::exchange_outcome outcome) const
{
    if (config.debug)
        debug(protocol::redact_response(outcome.response, *sent.config, sent.wire->view()));
    if (config.dpop)
        if (auto const nonce = outcome.response.headers.find("DPoP-Nonce"))
            config.dpop->remember_nonce(from.url, *nonce);
    protocol::response_context const context{
        outcome.sent, outcome.sent_steady, std::chrono::system_clock::now(), sent.wire->view()};
    return what.read(*sent.config, std::move(outcome.response), context);
}

void client_impl::debug(std::string const& text) const noexcept
{
    try
    {
        config.debug(text);
    }
    catch (...) // NOLINT(bugprone-empty-catch): a log that fails must not fail the operation
    {
    }
}

std::weak_ptr<deadline_entry> client_impl::start(
    token_request request, token_handler handler, std::shared_ptr<std::uint64_t> sent_with)
{
    return operation::start(
        shared_from_this(),
        std::make_unique<token_call>(std::move(request), std::move(handler), std::move(sent_with)));
}

void client_impl::start(std::unique_ptr<endpoint_call> what)
{
    operation::start(shared_from_this(), std::move(what));
}

void client_impl::close() noexcept
{
    with_context(
        [this]
        {
            deadlines->close();
            each_pool([](connection_pool& pool) { pool.close(); });
        });
}

client_counters client_impl::counters() const
{
    client_counters now;
    now.tokens = counts.tokens;
    now.failures = counts.failures;
    now.attempts = counts.attempts;
    now.connections_opened = counts.opened;
    now.sessions_resumed = counts.resumed;
    now.connections_reused = counts.reused;
    each_pool([&](connection_pool const& pool) { pool.count(now); });
    return now;
}

} // namespace coauth::detail
