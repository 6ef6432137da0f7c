#include "client/request_factory.hpp"

#include "authentication/client_assertion.hpp"
#include "authentication/dpop_access.hpp"
#include "authentication/jwt_assertion.hpp"
#include "crypto/ecdsa_signature.hpp"
#include "crypto/jwt.hpp"
#include "values/make_error.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace coauth::detail
{

request_factory::request_factory(
    client_config const& config, std::shared_ptr<crypto::key_source> key,
    std::shared_ptr<pending_results> results)
    : config_(config)
    , key_source_(std::move(key))
    , results_(std::move(results))
{
}

bool request_factory::needs_signing(endpoint_call const& call) const noexcept
{
    auto const method = config_.authentication.type();
    auto const* const request = call.request();
    bool const is_dynamic = request != nullptr && protocol::has_dynamic_parameters(*request);
    return is_dynamic || config_.dpop || method == authentication_method::client_secret_jwt ||
           method == authentication_method::private_key_jwt;
}

result<wire_request>
request_factory::make(endpoint_call const& call, destination const& to, credentials const& current)
{
    auto const* const request = needs_signing(call) ? nullptr : call.request();
    if (request == nullptr)
        return build(call, to, current, {});
    {
        std::lock_guard const lock(mutex_);
        bool const is_cached = cached_.text && cached_.credentials.version == current.version &&
                               cached_for_ == *request;
        if (is_cached)
            return cached_;
    }
    auto built = build(call, to, current, {});
    if (!built)
        return built;
    auto copy = *request;
    std::lock_guard const lock(mutex_);
    cached_ = *built;
    cached_for_ = std::move(copy);
    return built;
}

result<wire_request> request_factory::build(
    endpoint_call const& call, destination const& to, credentials const& current,
    protocol::attempt_credentials const& attempt) const
{
    auto text = call.build(config_, *current.authentication, to.endpoint, attempt);
    if (!text)
        return text.error();
    return wire_request{std::make_shared<secret const>(std::move(*text)), current};
}

net::task<result<wire_request>> request_factory::sign(
    endpoint_call const& call, destination const& to, credentials const& current,
    net::operation_context& op)
{
    protocol::attempt_credentials attempt;
    auto const* const request = call.request();
    if (request != nullptr && protocol::has_dynamic_parameters(*request))
    {
        auto parameters = co_await dynamic_parameters(*request, op);
        if (!parameters)
            co_return parameters.error();
        attempt.grant = std::move(*parameters);
    }
    auto assertion = co_await make_assertion(to, current, op);
    if (!assertion)
        co_return assertion.error();
    attempt.assertion = std::move(*assertion);
    if (config_.dpop)
    {
        auto const proof = dpop_access::make_proof(*config_.dpop, "POST", to.url, nullptr);
        if (!proof)
            co_return proof.error();
        auto signed_proof = co_await sign_by_key(proof->key, proof->jwt, op);
        if (!signed_proof)
            co_return signed_proof.error();
        attempt.dpop = std::move(*signed_proof);
    }
    co_return build(call, to, current, attempt);
}

net::task<result<secret>>
request_factory::dynamic_parameters(token_request const& request, net::operation_context& op) const
{
    std::vector<std::pair<std::string, secret>> assertions;
    for (auto const& parameter : request.grant()->dynamic_parameters)
    {
        auto const* const assertion = as_assertion_function(parameter.second);
        if (assertion == nullptr)
            continue;
        auto const made = assertion->make();
        if (!made)
            co_return made.error();
        auto signed_assertion = co_await sign_by_key(made->key, made->jwt, op);
        if (!signed_assertion)
            co_return signed_assertion.error();
        assertions.emplace_back(parameter.first, std::move(*signed_assertion));
    }
    co_return protocol::dynamic_parameters_form(request, assertions);
}

net::task<result<secret>> request_factory::make_assertion(
    destination const& to, credentials const& current, net::operation_context& op) const
{
    auto const& authentication = *current.authentication;
    bool const by_secret = authentication.type() == authentication_method::client_secret_jwt;
    if (!key_source_ && !by_secret)
        co_return secret();
    std::shared_ptr<crypto::private_key const> key;
    if (key_source_)
    {
        auto loaded = key_source_->current();
        if (!loaded)
            co_return loaded.error();
        key = std::move(*loaded);
    }
    auto const jwt =
        make_client_assertion(config_, key.get(), to.url, std::chrono::system_clock::now());
    if (!jwt)
        co_return jwt.error();
    if (by_secret)
        co_return crypto::sign_jwt(
            *jwt, authentication.algorithm(), authentication.client_secret());
    co_return co_await sign_by_key(key, *jwt, op);
}

net::task<result<secret>> request_factory::sign_by_key(
    std::shared_ptr<crypto::private_key const> key, crypto::unsigned_jwt const& jwt,
    net::operation_context& op) const
{
    bool const is_external = bool(key->signer());
    if (!is_external)
        co_return crypto::sign_jwt(jwt, *key);
    auto const input = crypto::jws_signing_input(jwt);
    std::string text(input.view());
    auto returned = co_await call_signer(key, std::move(text), op);
    auto const signature = crypto::normalize_signature(key->algorithm(), std::move(returned));
    if (!signature)
        co_return signature.error();
    co_return crypto::jws_compact(input.view(), signature->view());
}

net::task<result<std::string>> request_factory::call_signer(
    std::shared_ptr<crypto::private_key const> key, std::string input,
    net::operation_context& op) const
{
    auto const pending = std::make_shared<external_result>(results_);
    net::stop_state::scope const scope(op.stop, *pending);
    auto const initiate = [&](external_result::handler_type handler)
    {
        pending->set_handler(std::move(handler));
        // The operation may end before the signer is called: everything is owned.
        return [pending, key, text = std::move(input)]() mutable
        { pending->call_signer(key->signer(), std::move(text)); };
    };
    auto waited =
        co_await net::wait_for<result<std::string>>(op, initiate, error(errc::out_of_memory));
    co_return std::move(std::get<0>(waited));
}

} // namespace coauth::detail
