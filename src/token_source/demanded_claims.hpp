#ifndef COAUTH_SRC_TOKEN_SOURCE_DEMANDED_CLAIMS_HPP
#define COAUTH_SRC_TOKEN_SOURCE_DEMANDED_CLAIMS_HPP

#include <coauth/api_challenge.hpp>
#include <coauth/token_request.hpp>

#include <mutex>
#include <string>

namespace coauth::detail
{

// What APIs demand of the tokens of a source, beyond its request. Thread-safe.
class demanded_claims
{
public:
    void add(api_challenge const& challenge);
    // The request with the parameters for all demands.
    [[nodiscard]] token_request apply(token_request request) const;

private:
    static void set(token_request& request, std::string_view name, std::string value);

    std::mutex mutable mutex_;
    std::string claims_;
    std::string acr_values_;
    std::string max_age_;
};

} // namespace coauth::detail

#endif
