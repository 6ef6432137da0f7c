#include "client/issuer_call.hpp"

#include "client/connect_cancellation_slot.hpp"
#include "client/operation.hpp"
#include "values/make_error.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

// Called by the discovery, on the executor.
struct issuer_call::metadata_handler
{
    using cancellation_slot_type = asio::cancellation_slot;

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return owner->cancel_discovery_.slot();
    }
    void operator()(metadata_result const& found) const { owner->on_metadata(found); }

    std::shared_ptr<issuer_call> owner;
};

// The call as the operation sees it. It remains here, to be completed even if the operation cannot
// be made; and the cancellation slot is connected already.
class issuer_call::forwarding_call final : public endpoint_call
{
public:
    explicit forwarding_call(std::shared_ptr<issuer_call> owner)
        : owner_(std::move(owner))
        , call_(*owner_->call_)
    {
    }

    [[nodiscard]] protocol::endpoint_kind endpoint() const noexcept override
    {
        return call_.endpoint();
    }
    [[nodiscard]] token_request const* request() const noexcept override { return call_.request(); }
    [[nodiscard]] clock::time_point deadline() const noexcept override { return owner_->deadline_; }
    [[nodiscard]] std::uint64_t operation_number() const noexcept override
    {
        return call_.operation_number();
    }
    [[nodiscard]] result<secret> build(
        client_config const& config, client_authentication const& authentication,
        protocol::endpoint const& endpoint,
        protocol::attempt_credentials const& attempt) const override
    {
        return call_.build(config, authentication, endpoint, attempt);
    }
    void use_published_keys(crypto::key_set_source::set_ptr const& keys) override
    {
        call_.use_published_keys(keys);
    }
    [[nodiscard]] crypto::key_set const* outdated_keys() const noexcept override
    {
        return call_.outdated_keys();
    }
    void read(
        client_config const& config, http_response response,
        protocol::response_context const& context) override
    {
        call_.read(config, std::move(response), context);
    }
    void fail(error failure) noexcept override { call_.fail(std::move(failure)); }
    [[nodiscard]] std::optional<error> failure() const override { return call_.failure(); }
    [[nodiscard]] asio::cancellation_slot slot() const noexcept override { return {}; }
    void set_credentials_version(std::uint64_t version) noexcept override
    {
        call_.set_credentials_version(version);
    }
    void complete() override { call_.complete(); }

private:
    std::shared_ptr<issuer_call> const owner_;
    endpoint_call& call_;
};

std::weak_ptr<abortable>
start_operation(std::shared_ptr<client_impl> const& client, std::unique_ptr<endpoint_call> call)
{
    auto const* const endpoints = client->endpoints.get();
    if (endpoints == nullptr || !client->is_prepared())
        return operation::start(client, std::move(call));
    if (auto known = client->endpoints->use())
        return operation::start(std::move(known), std::move(call));
    auto const started = std::make_shared<issuer_call>(client, std::move(call));
    started->start();
    return started;
}

issuer_call::issuer_call(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call> call)
    : client_(std::move(client))
    , call_(std::move(call))
    , deadline_(
          std::min(call_->deadline(), after(clock::now(), time_limit(*call_, client_->config))))
{
}

void issuer_call::start()
{
    connect_cancellation_slot(call_->slot(), weak_from_this());
    if (!client_->endpoints->add_waiting(weak_from_this()))
    {
        // It is closed, which the operation reports.
        operation_ = start_call(client_);
        return;
    }
    client_->endpoints->discover(deadline_, metadata_handler{shared_from_this()});
    std::lock_guard const lock(mutex_);
    is_discovering_ = true;
    if (aborted_)
        cancel_discovery();
}

void issuer_call::abort(errc reason) noexcept
{
    std::shared_ptr<abortable> running;
    {
        std::lock_guard const lock(mutex_);
        aborted_ = aborted_.value_or(reason);
        running = operation_.lock();
        if (!running && is_discovering_)
            cancel_discovery();
    }
    if (running)
        running->abort(reason);
}

void issuer_call::cancel_discovery() noexcept
{
    try
    {
        cancel_discovery_.emit(asio::cancellation_type::terminal);
    }
    catch (...) // NOLINT(bugprone-empty-catch): without memory, the discovery comes to its end
    {
    }
}

std::optional<errc> issuer_call::aborted() const
{
    std::lock_guard const lock(mutex_);
    return aborted_;
}

void issuer_call::on_metadata(metadata_result const& found)
{
    auto const with = client_->endpoints->store(found);
    if (auto const reason = aborted())
        return fail(error(*reason));
    if (!with)
        return fail(with.error());
    std::shared_ptr<abortable> running;
    try
    {
        running = start_call(*with);
    }
    catch (...)
    {
        return fail(error_of(std::current_exception()));
    }
    {
        std::lock_guard const lock(mutex_);
        operation_ = running;
    }
    if (auto const reason = aborted(); reason && running)
        running->abort(*reason);
}

std::shared_ptr<abortable> issuer_call::start_call(std::shared_ptr<client_impl> const& with)
{
    return operation::start(with, std::make_unique<forwarding_call>(shared_from_this())).lock();
}

void issuer_call::fail(error failure)
{
    if (call_->request() != nullptr)
        ++client_->totals.failures;
    call_->fail(std::move(failure));
    call_->complete();
}

} // namespace coauth::detail
