#include "client/operation.hpp"
#include "crypto/jwt.hpp"

// What an attempt proves of itself: assertions and proofs that are made for it.

namespace coauth::detail
{

result<void> operation::renew_given_assertion()
{
    if (!sent_ || core_->config.authentication.type() != authentication_method::client_assertion)
        return {};
    auto const present = core_->current_config();
    if (!present)
        return present.error();
    auto wire = core_->build(*what_, *where_, *present, nullptr);
    if (!wire)
        return wire.error();
    request_sent_ = std::move(*wire);
    return {};
}

net::task<result<void>> operation::prove()
{
    auto const config = request_sent_.config;
    protocol::attempt_credentials proofs;
    auto asked = what_->ask();
    if (!asked)
        co_return asked.error();
    proofs.grant = std::move(*asked);
    auto signed_here = co_await assertion(*config);
    if (!signed_here)
        co_return signed_here.error();
    proofs.assertion = std::move(*signed_here);
    if (config->dpop)
    {
        auto proof = config->dpop->proof_for("POST", where_->url);
        if (!proof)
            co_return proof.error();
        proofs.dpop = std::move(*proof);
    }
    auto wire = core_->build(*what_, *where_, {config, request_sent_.credentials}, &proofs);
    if (!wire)
        co_return wire.error();
    request_sent_ = std::move(*wire);
    co_return result<void>();
}

// Empty: none is signed for each attempt.
net::task<result<secret>> operation::assertion(client_config const& config)
{
    auto const input = core_->jws_signing_input(config, where_->url);
    if (!input || input->empty())
        co_return input;
    result<secret> signature = error(errc::cancelled);
    bool const asks = core_->key() != nullptr && core_->key()->signer();
    if (asks)
    {
        std::string text(input->view());
        auto given = co_await ask_signer(std::move(text));
        signature = protocol::signature_of_signer(core_->key()->algorithm(), std::move(given));
    }
    else
        signature = core_->sign(config, input->view());
    if (!signature)
        co_return signature.error();
    co_return protocol::jws_compact(input->view(), signature->view());
}

net::task<result<std::string>> operation::ask_signer(std::string input)
{
    auto const call = std::make_shared<external_signature>(core_->signers);
    net::stop_state::scope const scope(net_.stop, *call);
    auto const begin = [&](external_signature::handler handler)
    {
        call->hold(std::move(handler));
        // With what it needs of its own: the operation may be over before the signer is called.
        return [call, core = core_, text = std::move(input)]() mutable
        { call->ask(core->key()->signer(), std::move(text)); };
    };
    auto waited =
        co_await net::wait_for<result<std::string>>(net_, begin, error(errc::out_of_memory));
    auto& signature = std::get<0>(waited);
    bool const given_up_here = !signature && net_.stop.aborted();
    if (given_up_here)
        co_return given_up("while waiting for the signature of the client assertion");
    co_return std::move(signature);
}

} // namespace coauth::detail
