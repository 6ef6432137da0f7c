#include <coauth/dpop.hpp>

#include "authentication/algorithm_negotiation.hpp"
#include "authentication/dpop_access.hpp"
#include "authentication/dpop_url.hpp"
#include "authentication/nonce_store.hpp"
#include "crypto/digest.hpp"
#include "crypto/jwt.hpp"
#include "crypto/key_source.hpp"
#include "values/make_error.hpp"
#include "values/proof_record.hpp"

#include <chrono>
#include <mutex>
#include <vector>

namespace coauth
{
namespace
{

using key_ptr = std::shared_ptr<crypto::private_key const>;
using clock = std::chrono::steady_clock;

} // namespace

struct dpop_prover::state
{
    explicit state(signing_key const& key) : source(key, "dpop: the key") {}

    // The key for new tokens.
    result<key_ptr> current_key()
    {
        auto key = source.current();
        if (!key)
            return key;
        if ((*key)->thumbprint().empty())
            return detail::config_error(
                "dpop: the key is a function that signs, and its public half is not known; give "
                "it by signing_key::public_key or signing_key::certificate_pem");
        std::lock_guard const lock(mutex);
        if (keys.empty() || keys.back().thumbprint() != (*key)->thumbprint())
            keys.push_back({*key, clock::now()});
        if (keys.size() > max_keys)
            keys.erase(keys.begin());
        return key;
    }

    // The key to which a token is bound: the one in force when the token was requested.
    result<key_ptr> key_of(access_token const& token)
    {
        auto current = current_key();
        std::lock_guard const lock(mutex);
        for (auto i = keys.rbegin(); i != keys.rend(); ++i)
            if (i->since <= token.requested_at_steady())
                return i->key;
        return current && !keys.empty() ? result<key_ptr>(keys.front().key) : current;
    }

    static constexpr std::size_t max_keys = 4;

    struct dated_key
    {
        key_ptr key;
        clock::time_point since;

        [[nodiscard]] std::string const& thumbprint() const { return key->thumbprint(); }
    };

    crypto::key_source source;
    detail::nonce_store nonces;
    std::mutex mutex;
    // The keys that were in force, the newest last. Tokens stay bound to the key with which they
    // were requested when its file is replaced.
    std::vector<dated_key> keys;
};

dpop_prover::dpop_prover(signing_key const& key) : state_(std::make_unique<state>(key))
{
    (void)state_->current_key();
}

dpop_prover::~dpop_prover() = default;

result<void> dpop_prover::validate() const
{
    auto const key = state_->current_key();
    if (!key)
        return key.error();
    return {};
}

result<void> dpop_prover::validate(std::vector<std::string> const& supported) const
{
    auto const key = state_->current_key();
    if (!key)
        return key.error();
    auto const algorithm = (*key)->algorithm();
    if (detail::first_supported(supported, {algorithm}) == algorithm)
        return {};
    return detail::no_common_method(
        "dpop: the key signs by " + std::string(to_string(algorithm)) +
            "; select_dpop_key chooses an algorithm that the server supports. It supports:",
        supported);
}

result<secret>
dpop_prover::proof_for(std::string_view method, std::string_view url, access_token const& token)
{
    auto const proof = make_proof(method, url, &token);
    if (!proof)
        return proof.error();
    if (proof->key->signer())
        return detail::config_error(
            "dpop: the key is a function that signs; use async_dpop_proof, which waits for it");
    return crypto::sign_jwt(proof->jwt, *proof->key);
}

result<detail::dpop_proof_input>
dpop_prover::make_proof(std::string_view method, std::string_view url, access_token const* token)
{
    if (token != nullptr && token->empty())
        return detail::parameter_error(
            "the token is empty; a proof for a resource server names the token");
    auto const key = token != nullptr ? state_->key_of(*token) : state_->current_key();
    if (!key)
        return key.error();
    // The origin whose response may have the next nonce.
    if (auto* const record = token != nullptr ? detail::proof_record::of(*token) : nullptr)
        record->set(url);
    auto const id = crypto::random_id();
    if (!id)
        return id.error();
    auto const parts = detail::parse_dpop_url(url);
    auto const nonce = state_->nonces.find(parts.origin);
    crypto::proof_content content;
    content.method = method;
    content.url = parts.htu;
    content.id = *id;
    content.issued_at = std::chrono::system_clock::now();
    content.nonce = nonce;
    if (token != nullptr)
        content.access_token = token->value();
    return detail::dpop_proof_input{*key, crypto::proof_jwt(content, **key)};
}

void dpop_prover::remember_nonce(std::string_view url, std::string_view nonce)
{
    state_->nonces.store(detail::parse_dpop_url(url).origin, nonce);
}

std::string dpop_prover::thumbprint() const
{
    auto const key = state_->current_key();
    return key ? (*key)->thumbprint() : std::string();
}

} // namespace coauth
