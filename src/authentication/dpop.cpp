#include <coauth/dpop.hpp>

#include "authentication/algorithm_negotiation.hpp"
#include "authentication/nonce_store.hpp"
#include "crypto/digest.hpp"
#include "crypto/jwt.hpp"
#include "values/make_error.hpp"

#include <chrono>

namespace coauth
{
namespace
{

std::string_view without_query(std::string_view url)
{
    return url.substr(0, url.find_first_of("?#"));
}

std::string origin_of(std::string_view url)
{
    auto const scheme = url.find("://");
    if (scheme == std::string_view::npos)
        return std::string(url);
    return std::string(url.substr(0, url.find_first_of("/?#", scheme + 3)));
}

result<std::shared_ptr<crypto::private_key const>> load(signing_key const& source)
{
    auto key = crypto::private_key::load(source, "dpop: the key", std::chrono::system_clock::now());
    if (key && (*key)->signer())
        return detail::config_error(
            "dpop: the key is a function that signs; a proof needs the key itself, from "
            "signing_key::pem_file or signing_key::pem");
    return key;
}

} // namespace

struct dpop_prover::state
{
    explicit state(signing_key const& source) : key(load(source)) {}

    result<std::shared_ptr<crypto::private_key const>> key;
    std::string const no_thumbprint;
    detail::nonce_store nonces;
};

dpop_prover::dpop_prover(signing_key const& key) : state_(std::make_unique<state>(key)) {}

dpop_prover::~dpop_prover() = default;

result<void> dpop_prover::validate() const
{
    if (state_->key)
        return {};
    return state_->key.error();
}

result<void> dpop_prover::validate(std::vector<std::string> const& supported) const
{
    if (!state_->key)
        return state_->key.error();
    auto const algorithm = (*state_->key)->algorithm();
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
    if (token.empty())
        return detail::parameter_error(
            "the token is empty; a proof for a resource server names the token");
    return sign_proof(method, url, token.value());
}

result<secret>
dpop_prover::sign_proof(std::string_view method, std::string_view url, std::string_view token_value)
{
    auto const& key = state_->key;
    if (!key)
        return key.error();
    auto const id = crypto::random_id();
    if (!id)
        return id.error();
    auto const nonce = state_->nonces.find(origin_of(url));
    crypto::proof_content content;
    content.method = method;
    content.url = without_query(url);
    content.id = *id;
    content.issued_at = std::chrono::system_clock::now();
    content.nonce = nonce;
    content.access_token = token_value;
    return crypto::sign_jwt(crypto::proof_jwt(content, **key), **key);
}

void dpop_prover::remember_nonce(std::string_view url, std::string_view nonce)
{
    state_->nonces.store(origin_of(url), nonce);
}

std::string const& dpop_prover::thumbprint() const noexcept
{
    return state_->key ? (*state_->key)->thumbprint() : state_->no_thumbprint;
}

} // namespace coauth
