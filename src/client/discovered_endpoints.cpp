#include "client/discovered_endpoints.hpp"

#include "client/client_impl.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

constexpr std::chrono::hours lifetime{24};
// After a failure, or after endpoints that are gone were read again.
constexpr std::chrono::minutes pause{1};
constexpr unsigned max_gone = 2;

// Replaces `member` by `found`, unless it is set.
template <class T>
void set_if_empty(T& member, T const& found)
{
    if (member.empty())
        member = found;
}

clock_pair now() noexcept
{
    return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

dual_time from_now(std::chrono::seconds span) noexcept
{
    auto const at = now();
    return {at.wall + span, at.steady + span};
}

void add(client_counters& sum, client_counters const& more)
{
    sum.tokens += more.tokens;
    sum.failures += more.failures;
    sum.attempts += more.attempts;
    sum.connections_opened += more.connections_opened;
    sum.sessions_resumed += more.sessions_resumed;
    sum.connections_reused += more.connections_reused;
    sum.hedged_requests += more.hedged_requests;
}

} // namespace

// The handler of the reading of known endpoints.
struct discovered_endpoints::read_again
{
    using cancellation_slot_type = asio::cancellation_slot;

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return signal->slot();
    }
    void operator()(metadata_result const& found) const { owner->on_read(found); }

    std::shared_ptr<discovered_endpoints> owner;
    std::shared_ptr<asio::cancellation_signal> signal;
};

discovered_endpoints::discovered_endpoints(asio::any_io_executor executor, client_config config)
    : executor_(std::move(executor))
    , config_(std::move(config))
{
}

std::shared_ptr<client_impl> discovered_endpoints::known() const
{
    std::lock_guard const lock(mutex_);
    return client_;
}

std::shared_ptr<client_impl> discovered_endpoints::use()
{
    std::shared_ptr<client_impl> client;
    bool is_due = false;
    {
        std::lock_guard const lock(mutex_);
        client = client_;
        is_due = client && read_at_.reached(now());
    }
    if (is_due)
        read();
    return client;
}

void discovered_endpoints::discover(
    clock::time_point deadline, discovery_call::handler_type handler) const
{
    using std::chrono::milliseconds;
    auto options = discovery_options_of(config_);
    auto const left = std::chrono::floor<milliseconds>(deadline - clock::now());
    options.timeout = std::clamp(left, milliseconds(1), options.timeout);
    start_discovery(executor_, config_.issuer, options, cache_use::find, this, std::move(handler));
}

client_config discovered_endpoints::config_for(authorization_server const& found) const
{
    auto config = config_;
    config.issuer.clear();
    config.expected_issuer.clear();
    auto& server = config.server;
    server.token_endpoint = found.token_endpoint;
    set_if_empty(server.issuer, found.issuer);
    set_if_empty(server.introspection_endpoint, found.introspection_endpoint);
    set_if_empty(server.revocation_endpoint, found.revocation_endpoint);
    set_if_empty(server.jwks_uri, found.jwks_uri);
    auto& aliases = server.mtls_endpoint_aliases;
    set_if_empty(aliases.token_endpoint, found.mtls_endpoint_aliases.token_endpoint);
    set_if_empty(
        aliases.introspection_endpoint, found.mtls_endpoint_aliases.introspection_endpoint);
    set_if_empty(aliases.revocation_endpoint, found.mtls_endpoint_aliases.revocation_endpoint);
    for (auto const list :
         {&authorization_server::authentication_methods,
          &authorization_server::authentication_algorithms, &authorization_server::dpop_algorithms,
          &authorization_server::grant_types,
          &authorization_server::introspection_authentication_methods,
          &authorization_server::revocation_authentication_methods})
        set_if_empty(server.*list, found.*list);
    server.certificate_bound_tokens |= found.certificate_bound_tokens;
    return config;
}

result<std::shared_ptr<client_impl>> discovered_endpoints::store(metadata_result const& found)
{
    if (!found)
        return found.error();
    if (auto unchanged = keep_if_unchanged(*found))
        return unchanged;
    // Calls functions of the user, so not under the lock.
    auto created = std::make_shared<client_impl>(executor_, config_for(*found), weak_from_this());
    if (auto unchanged = keep_if_unchanged(*found))
        return unchanged;
    std::shared_ptr<client_impl> replaced;
    bool closed = false;
    {
        std::lock_guard const lock(mutex_);
        closed = closed_;
        server_ = *found;
        replaced = std::exchange(client_, created);
        gone_ = 0;
        read_at_ = from_now(lifetime);
    }
    if (replaced)
    {
        auto const counters = replaced->counters();
        std::lock_guard const lock(mutex_);
        add(of_earlier_clients_, counters);
    }
    if (closed)
        created->close();
    return created;
}

std::shared_ptr<client_impl>
discovered_endpoints::keep_if_unchanged(authorization_server const& found)
{
    std::lock_guard const lock(mutex_);
    if (!client_ || !(server_ == found))
        return nullptr;
    read_at_ = from_now(lifetime);
    return client_;
}

void discovered_endpoints::on_response(client_impl const& from, unsigned status) noexcept
{
    auto const at = clock::now();
    {
        std::lock_guard const lock(mutex_);
        gone_ = &from == client_.get() && (status == 404 || status == 410) ? gone_ + 1 : 0;
        if (gone_ < max_gone || at < gone_not_before_)
            return;
        gone_ = 0;
        gone_not_before_ = at + pause;
    }
    read();
}

void discovered_endpoints::read() noexcept
{
    {
        std::lock_guard const lock(mutex_);
        if (closed_ || is_reading_)
            return;
        is_reading_ = true;
        // Unless it succeeds.
        read_at_ = from_now(pause);
    }
    try
    {
        auto const signal = std::make_shared<asio::cancellation_signal>();
        start_discovery(
            executor_, config_.issuer, discovery_options_of(config_), cache_use::replace, this,
            read_again{shared_from_this(), signal});
        std::lock_guard const lock(mutex_);
        cancel_reading_ = signal;
        if (closed_)
            signal->emit(asio::cancellation_type::terminal);
    }
    catch (...) // no memory: a later operation tries again
    {
        std::lock_guard const lock(mutex_);
        is_reading_ = false;
    }
}

void discovered_endpoints::on_read(metadata_result const& found)
{
    (void)store(found);
    std::lock_guard const lock(mutex_);
    is_reading_ = false;
    cancel_reading_.reset();
}

bool discovered_endpoints::add_waiting(std::weak_ptr<abortable> call)
{
    std::lock_guard const lock(mutex_);
    std::erase_if(waiting_, [](auto const& one) { return one.expired(); });
    if (!closed_)
        waiting_.push_back(std::move(call));
    return !closed_;
}

void discovered_endpoints::add_counters(client_counters& to) const
{
    auto const client = known();
    std::lock_guard const lock(mutex_);
    if (client)
        to = client->counters();
    add(to, of_earlier_clients_);
}

void discovered_endpoints::close() noexcept
{
    std::shared_ptr<client_impl> client;
    std::vector<std::weak_ptr<abortable>> waiting;
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        client = client_;
        waiting.swap(waiting_);
        if (cancel_reading_)
            cancel_reading_->emit(asio::cancellation_type::terminal);
    }
    for (auto const& one : waiting)
        if (auto const call = one.lock())
            call->abort(errc::cancelled);
    if (client)
        client->close();
}

} // namespace coauth::detail
