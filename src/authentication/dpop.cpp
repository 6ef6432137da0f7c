#include <coauth/dpop.hpp>

#include "authentication/algorithm_negotiation.hpp"
#include "crypto/jwt.hpp"
#include "protocol/endpoint_url.hpp"
#include "values/make_error.hpp"

#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace coauth
{
namespace
{

// A nonce is for one origin (RFC 9449 section 8.2); nobody speaks to more of them at a time.
constexpr std::size_t most_origins = 1000;
constexpr std::size_t longest_nonce = 1024;

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

// What a header field may carry (RFC 9449 section 8.1).
bool is_nonce(std::string_view text)
{
    if (text.empty() || text.size() > longest_nonce)
        return false;
    for (char const c : text)
        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
            return false;
    return true;
}

} // namespace

struct dpop_prover::state
{
    explicit state(signing_key const& from)
        : key(protocol::private_key::load(from, "dpop: the key", std::chrono::system_clock::now()))
    {
    }

    result<std::shared_ptr<protocol::private_key const>> key;
    std::string const no_thumbprint;

    std::mutex mutex;
    // The latest used first.
    std::list<std::pair<std::string, std::string>> nonces;
    std::unordered_map<std::string, decltype(nonces)::iterator> by_origin;

    std::string nonce_for(std::string const& origin)
    {
        std::lock_guard const lock(mutex);
        auto const found = by_origin.find(origin);
        return found == by_origin.end() ? std::string() : found->second->second;
    }

    void remember(std::string const& origin, std::string_view nonce)
    {
        std::lock_guard const lock(mutex);
        if (auto const found = by_origin.find(origin); found != by_origin.end())
        {
            found->second->second = nonce;
            nonces.splice(nonces.begin(), nonces, found->second);
            return;
        }
        decltype(nonces) made;
        made.emplace_front(origin, nonce);
        by_origin.emplace(origin, made.begin());
        nonces.splice(nonces.begin(), made);
        if (nonces.size() <= most_origins)
            return;
        by_origin.erase(nonces.back().first);
        nonces.pop_back();
    }

    result<secret> prove(std::string_view method, std::string_view url, std::string_view token)
    {
        if (!key)
            return key.error();
        auto const id = protocol::unique_id();
        if (!id)
            return id.error();
        auto const nonce = nonce_for(origin_of(url));
        protocol::proof_claims claims;
        claims.method = method;
        claims.url = without_query(url);
        claims.id = *id;
        claims.issued_at = std::chrono::system_clock::now();
        claims.nonce = nonce;
        claims.access_token = token;
        auto const input = protocol::dpop_signing_input(**key, claims);
        auto const signature = (*key)->sign(input.view());
        if (!signature)
            return signature.error();
        return protocol::jws_compact(input.view(), signature->view());
    }
};

dpop_prover::dpop_prover(signing_key const& key) : state_(std::make_unique<state>(key))
{
    if (!state_->key || !(*state_->key)->signer())
        return;
    state_->key = detail::config_error(
        "dpop: the key is a function that signs; a proof needs the key itself, from "
        "signing_key::pem_file or signing_key::pem");
}

dpop_prover::~dpop_prover() = default;

result<void> dpop_prover::validate() const
{
    if (state_->key)
        return {};
    return state_->key.error();
}

result<void> dpop_prover::validate(std::vector<std::string> const& known) const
{
    if (!state_->key)
        return state_->key.error();
    auto const algorithm = (*state_->key)->algorithm();
    if (detail::first_supported(known, {algorithm}) == algorithm)
        return {};
    return detail::no_common_method(
        "dpop: the key signs by " + std::string(to_string(algorithm)) +
            "; select_dpop_key finds what both know. The server knows:",
        known);
}

result<secret>
dpop_prover::proof_for(std::string_view method, std::string_view url, access_token const& token)
{
    if (token.empty())
        return detail::parameter_error(
            "the token is empty; a proof for a resource server names the token");
    return state_->prove(method, url, token.value());
}

result<secret> dpop_prover::proof_for(std::string_view method, std::string_view url)
{
    return state_->prove(method, url, {});
}

void dpop_prover::remember_nonce(std::string_view url, std::string_view nonce)
{
    if (is_nonce(nonce))
        state_->remember(origin_of(url), nonce);
}

std::string const& dpop_prover::thumbprint() const noexcept
{
    return state_->key ? (*state_->key)->thumbprint() : state_->no_thumbprint;
}

} // namespace coauth
