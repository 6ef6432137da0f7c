#include <coauth/authorize.hpp>
#include <coauth/dpop.hpp>

#include "protocol/challenge.hpp"
#include "values/make_error.hpp"
#include "values/proof_record.hpp"

namespace coauth::detail
{

result<secret>
proof_for_request(access_token const& token, std::string_view method, std::string_view url)
{
    if (token.empty())
        return parameter_error("the token is empty; a request to an API needs one");
    // RFC 8693 section 2.2.1.
    if (token.token_type() == "N_A")
        return parameter_error("the token is no access token (token_type N_A); an API needs one");
    if (token.token_type() != "DPoP")
        return secret();
    auto const& prover = token.dpop();
    if (!prover)
        return parameter_error(
            "the token is bound to a DPoP key, but does not know its prover; set "
            "access_token_info::dpop");
    return prover->proof_for(method, url, token);
}

access_token record_proofs(access_token const& token)
{
    return token.dpop() ? proof_record::attach(token) : token;
}

bool store_api_nonce(
    access_token const& token, unsigned status, std::string_view www_authenticate,
    std::string_view nonce)
{
    auto const* const record = proof_record::of(token);
    auto const url = record != nullptr ? record->url() : std::string();
    if (url.empty() || nonce.empty())
        return false;
    token.dpop()->remember_nonce(url, nonce);
    protocol::challenge_parameters errors(www_authenticate, "error");
    while (auto const error = errors.next())
        if (status == 401 && *error == "use_dpop_nonce")
            return true;
    return false;
}

} // namespace coauth::detail
