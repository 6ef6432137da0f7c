#include <coauth/async_dpop_proof.hpp>

#include "authentication/dpop_access.hpp"
#include "client/call_signer.hpp"
#include "client/connect_cancellation_slot.hpp"
#include "crypto/ecdsa_signature.hpp"
#include "crypto/jwt.hpp"
#include "net/context_shutdown.hpp"
#include "values/make_error.hpp"

#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <mutex>
#include <optional>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

using proof_handler = asio::any_completion_handler<dpop_proof_completion_signature>;

// One call of a signer for a proof. It is owned by the wait of its timer, which ends when there is
// an outcome: that needs no memory.
class proof_operation final : public abortable,
                              public net::context_shutdown::listener,
                              public std::enable_shared_from_this<proof_operation>
{
public:
    proof_operation(asio::any_io_executor const& executor, proof_handler handler)
        : handler_(std::move(handler))
        , timer_(std::in_place, executor)
    {
        timer_->expires_at(asio::steady_timer::time_point::max());
        listen(asio::query(executor, asio::execution::context));
    }

    // Waits for `complete`.
    void start()
    {
        connect_cancellation_slot(
            asio::get_associated_cancellation_slot(handler_), weak_from_this());
        std::lock_guard const lock(mutex_);
        if (timer_)
            timer_->async_wait([self = shared_from_this()](boost::system::error_code)
                               { self->on_outcome(); });
    }

    // The first call counts. From any thread.
    void complete(result<secret> outcome) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (outcome_ || !timer_)
            return;
        outcome_ = std::move(outcome);
        timer_->cancel();
    }
    void abort(errc reason) noexcept override { complete(error(reason)); }

private:
    void on_context_shutdown() noexcept override
    {
        // Destroyed without the lock: the handler may own more.
        proof_handler handler;
        std::lock_guard const lock(mutex_);
        handler.swap(handler_);
        timer_.reset();
    }

    void on_outcome()
    {
        proof_handler handler;
        {
            std::lock_guard const lock(mutex_);
            handler.swap(handler_);
            timer_.reset();
        }
        if (handler)
            std::move(handler)(std::move(outcome_).value_or(error(errc::internal_error)));
    }

    std::mutex mutex_;
    proof_handler handler_;
    std::optional<asio::steady_timer> timer_;
    std::optional<result<secret>> outcome_;
};

// Ends the operation with a proof.
class signature_receiver
{
public:
    signature_receiver(
        std::shared_ptr<proof_operation> operation, signature_algorithm algorithm, secret input)
        : operation_(std::move(operation))
        , algorithm_(algorithm)
        , input_(std::move(input))
    {
    }

    void operator()(result<std::string> returned) const noexcept
    {
        try
        {
            auto const signature = crypto::normalize_signature(algorithm_, std::move(returned));
            operation_->complete(
                signature ? result<secret>(crypto::jws_compact(input_.view(), signature->view()))
                          : signature.error());
        }
        catch (...)
        {
            operation_->complete(error(errc::out_of_memory));
        }
    }

private:
    std::shared_ptr<proof_operation> operation_;
    signature_algorithm algorithm_;
    secret input_;
};

} // namespace

void start_dpop_proof(
    asio::any_io_executor const& executor, std::shared_ptr<dpop_prover> const& prover,
    std::string const& method, std::string const& url, access_token const& token,
    proof_handler handler)
{
    auto const operation = std::make_shared<proof_operation>(executor, std::move(handler));
    operation->start();
    try
    {
        if (!prover)
            return operation->complete(config_error("the DPoP prover is null; give one"));
        auto const proof = dpop_access::make_proof(*prover, method, url, &token);
        if (!proof)
            operation->complete(proof.error());
        else if (auto const& sign = proof->key->signer())
        {
            auto input = crypto::jws_signing_input(proof->jwt);
            std::string text(input.view());
            call_signer(
                sign, std::move(text), "the DPoP key",
                signature_receiver(operation, proof->key->algorithm(), std::move(input)));
        }
        else
            operation->complete(crypto::sign_jwt(proof->jwt, *proof->key));
    }
    catch (...)
    {
        operation->complete(error_of(std::current_exception()));
    }
}

} // namespace coauth::detail

namespace coauth
{

boost::asio::awaitable<result<secret>> async_dpop_proof(
    boost::asio::any_io_executor executor, std::shared_ptr<dpop_prover> prover, std::string method,
    std::string url, access_token token)
{
    auto outcome = co_await async_dpop_proof(
        std::move(executor), std::move(prover), std::move(method), std::move(url), std::move(token),
        boost::asio::use_awaitable);
    co_return outcome;
}

} // namespace coauth
