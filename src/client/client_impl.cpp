#include "client/client_impl.hpp"

#include "authentication/signed_introspection.hpp"
#include "client/prepared_config.hpp"
#include "values/unique_id.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/query.hpp>

#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

client_impl::client_impl(
    asio::any_io_executor run_on, client_config configured,
    std::weak_ptr<discovered_endpoints> made_by)
    : id(unique_id())
    , executor(std::move(run_on))
    , config(std::move(configured))
    , deadlines(std::make_shared<deadline_queue>(executor))
    , endpoints(
          config.issuer.empty() ? nullptr
                                : std::make_shared<discovered_endpoints>(executor, config))
    , introspection_keys(load_introspection_keys(config))
    , server_keys(make_published_keys(executor, config))
    , made_by_(std::move(made_by))
    , results_(std::make_shared<pending_results>())
    , status_(prepare())
{
    // Asio destroys the services of a context in the reverse order of their creation. This creates
    // those of sockets before that of `listen`, which is therefore destroyed first.
    asio::ip::tcp::socket const creates_the_services(executor);
    listen(asio::query(executor, asio::execution::context));
}

client_impl::~client_impl() = default;

result<void> client_impl::prepare()
{
    auto prepared = prepare_config(config);
    if (!prepared)
        return prepared.error();
    files_ = prepared->files;
    files_were_usable_ = files_->check().has_value();
    if (endpoints)
        return {};
    credentials_.emplace(config.authentication, files_, files_were_usable_.load());
    requests_.emplace(config, files_->key, results_);
    destinations_.emplace(config, std::move(*prepared), executor);
    return {};
}

void client_impl::on_context_shutdown() noexcept
{
    // The operations that are destroyed here may be the only owners of the client.
    auto const self = weak_from_this().lock();
    context_is_gone_ = true;
    deadlines->context_gone();
    results_->context_gone();
    if (destinations_)
        destinations_->context_gone();
}

result<void> client_impl::validate() const
{
    return status_ ? files_->check() : status_;
}

result<destination const*> client_impl::find_destination(protocol::endpoint_kind endpoint)
{
    if (!status_)
        return status_.error();
    // A client that has to discover them is closed.
    if (!destinations_)
        return error(errc::cancelled);
    if (!files_were_usable_)
    {
        auto const usable = files_->check();
        if (!usable)
            return usable.error();
        files_were_usable_ = true;
    }
    return destinations_->find(endpoint);
}

std::uint64_t client_impl::refresh_credentials()
{
    if (auto const known = endpoints ? endpoints->known() : nullptr)
        return known->refresh_credentials();
    return credentials_ ? credentials_->refresh() : 0;
}

std::optional<std::string> client_impl::key_binding() const
{
    if (!files_)
        return std::nullopt;
    std::string binding;
    if (files_->dpop)
    {
        binding = files_->dpop->thumbprint();
        if (binding.empty())
            return std::nullopt;
    }
    binding.append(1, ';');
    auto const& tls = config.tls;
    if (files_->tls && !(tls.certificate_file.empty() && tls.certificate_pem.empty()))
    {
        auto const current = files_->tls->current();
        if (!current || !current->certificate)
            return std::nullopt;
        binding += current->certificate->fingerprint();
    }
    return binding;
}

std::uint64_t client_impl::credentials_version() const noexcept
{
    return credentials_ ? credentials_->version() : 0;
}

void client_impl::on_response(unsigned status) const noexcept
{
    if (auto const owner = made_by_.lock())
        owner->on_response(*this, status);
}

void client_impl::close() noexcept
{
    if (context_is_gone_)
        return;
    deadlines->close();
    if (endpoints)
        endpoints->close();
    if (server_keys)
        server_keys->close();
    if (destinations_)
        destinations_->for_each_pool([](connection_pool& pool) { pool.close(); });
}

client_counters client_impl::counters() const
{
    client_counters now;
    if (endpoints)
    {
        endpoints->add_counters(now);
        now.failures += totals.failures;
        return now;
    }
    now.tokens = totals.tokens;
    now.failures = totals.failures;
    now.attempts = totals.attempts;
    now.connections_opened = totals.connections_opened;
    now.sessions_resumed = totals.sessions_resumed;
    now.connections_reused = totals.connections_reused;
    now.hedged_requests = totals.hedged_requests;
    if (destinations_)
        destinations_->for_each_pool([&](connection_pool const& pool) { pool.add_to(now); });
    return now;
}

} // namespace coauth::detail
