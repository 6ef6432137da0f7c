#ifndef COAUTH_TOKEN_REJECTED_HPP
#define COAUTH_TOKEN_REJECTED_HPP

#include <coauth/detail/response_fields.hpp>
#include <coauth/export.hpp>

#include <string_view>

namespace coauth
{

/// True if an API's response rejects the access token: status 401, unless its challenges name only
/// errors other than `invalid_token` (RFC 6750 section 3.1). A 401 without a challenge rejects the
/// token too.
///
/// \param status The status of the response.
/// \param www_authenticate The WWW-Authenticate field of the response; may be empty.
[[nodiscard]] COAUTH_DECL bool
is_invalid_token_challenge(unsigned status, std::string_view www_authenticate) noexcept;

/// The same for a response of Boost.Beast, or of a type that has its `result_int()` and either its
/// `equal_range`, which finds the challenges of several fields, or its `operator[]`.
struct is_invalid_token_response
{
    /// True if the response rejects the access token.
    template <class Response>
    [[nodiscard]] bool operator()(Response const& response) const
    {
        return is_invalid_token_challenge(
            static_cast<unsigned>(response.result_int()),
            detail::field_values(response, "WWW-Authenticate"));
    }
};

} // namespace coauth

#endif
