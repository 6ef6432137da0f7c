#ifndef COAUTH_ASYNC_DPOP_PROOF_HPP
#define COAUTH_ASYNC_DPOP_PROOF_HPP

#include <coauth/access_token.hpp>
#include <coauth/detail/executor_bound_handler.hpp>
#include <coauth/dpop.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace coauth
{

/// The completion signature of `async_dpop_proof`.
using dpop_proof_completion_signature = void(result<secret>);

namespace detail
{

COAUTH_DECL void start_dpop_proof(
    boost::asio::any_io_executor const& executor, std::shared_ptr<dpop_prover> const& prover,
    std::string const& method, std::string const& url, access_token const& token,
    boost::asio::any_completion_handler<dpop_proof_completion_signature> handler);

class initiate_dpop_proof
{
public:
    explicit initiate_dpop_proof(boost::asio::any_io_executor executor)
        : executor_(std::move(executor))
    {
    }

    using executor_type = boost::asio::any_io_executor;
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    template <class Handler>
    void operator()(
        Handler&& handler, std::shared_ptr<dpop_prover> const& prover, std::string const& method,
        std::string const& url, access_token const& token) const
    {
        start_dpop_proof(
            executor_, prover, method, url, token,
            executor_bound_handler<std::decay_t<Handler>>(
                std::forward<Handler>(handler), executor_));
    }

private:
    boost::asio::any_io_executor executor_;
};

} // namespace detail

/// The same as `dpop_prover::proof_for`, for a prover whose key is a signer function (RFC 9449
/// section 4.2): it waits for the signature. It works with any other key, too.
///
/// \code
/// std::string const url = "https://api.example.com/messages";
/// auto prover = std::make_shared<coauth::dpop_prover>(coauth::signing_key::pem_file("dpop.key"));
/// auto token = co_await client.async_get_access_token();
/// if (!token)
///     co_return;
/// auto proof = co_await coauth::async_dpop_proof(executor, prover, "GET", url, *token);
/// \endcode
///
/// \param executor Runs the completion.
/// \param prover Signs the proof. Must not be null.
/// \param method The HTTP method of the request.
/// \param url The URL of the request.
/// \param token The token that the request carries.
/// \return An awaitable, to be awaited once. The arguments need not outlive the call.
///
/// \par Cancellation
/// Terminal, partial and total: each ends the operation promptly with `errc::cancelled`.
///
/// \par Errors
/// `errc::invalid_configuration` for an unusable key, `errc::invalid_parameter` for an empty token,
/// and the errors of the signer.
[[nodiscard]] COAUTH_DECL boost::asio::awaitable<result<secret>> async_dpop_proof(
    boost::asio::any_io_executor executor, std::shared_ptr<dpop_prover> prover, std::string method,
    std::string url, access_token token);
/// The same with any completion token; signature `void(coauth::result<coauth::secret>)`. Completes
/// once, never inside this call, on the handler's associated executor (by default `executor`).
template <boost::asio::completion_token_for<dpop_proof_completion_signature> CompletionToken>
auto async_dpop_proof(
    boost::asio::any_io_executor executor, std::shared_ptr<dpop_prover> prover, std::string method,
    std::string url, access_token token, CompletionToken&& completion)
{
    return boost::asio::async_initiate<CompletionToken, dpop_proof_completion_signature>(
        detail::initiate_dpop_proof(std::move(executor)), completion, std::move(prover),
        std::move(method), std::move(url), std::move(token));
}

} // namespace coauth

#endif
