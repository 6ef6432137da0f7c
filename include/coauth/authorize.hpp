#ifndef COAUTH_AUTHORIZE_HPP
#define COAUTH_AUTHORIZE_HPP

#include <coauth/access_token.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace coauth
{

namespace detail
{

template <class Fields>
concept has_set = requires(Fields& fields, std::string_view const text) { fields.set(text, text); };
template <class Fields>
concept has_insert_or_assign =
    requires(Fields& fields, std::string const& text) { fields.insert_or_assign(text, text); };
template <class Fields>
concept sets_fields = has_set<Fields> || has_insert_or_assign<Fields> ||
                      std::invocable<Fields&, std::string_view, std::string_view>;

template <sets_fields Fields>
void set_field(Fields& fields, std::string_view name, std::string_view value)
{
    if constexpr (has_set<Fields>)
        fields.set(name, value);
    else if constexpr (has_insert_or_assign<Fields>)
        fields.insert_or_assign(std::string(name), std::string(value));
    else
        fields(name, value);
}

// The value of the DPoP field; empty for a Bearer token.
[[nodiscard]] COAUTH_DECL result<secret>
proof_for_request(access_token const& token, std::string_view method, std::string_view url);

} // namespace detail

/// Puts a token into a request to an API: sets the Authorization field and, for a token that is
/// bound to a DPoP key, the DPoP field with a proof for this request (RFC 9449 section 7).
///
/// \code
/// auto token = co_await tokens.async_get_access_token();
/// if (!token)
///     co_return;
/// std::map<std::string, std::string> fields; // or a request of Boost.Beast
/// auto const done = coauth::authorize(fields, *token, "GET", "https://api.example.com/messages");
/// if (!done)
///     log(done.error().message()); // no field was set
/// \endcode
///
/// \param fields Where the fields go: a request of Boost.Beast, or anything else with `set(name,
///     value)`, such as an HTTP client's headers; a map from names to values; or a function of name
///     and value.
/// \param token The token. One that a client with `client_config::dpop` got has its prover with it.
/// \param method The HTTP method of the request.
/// \param url The URL of the request. It matters only for a DPoP token; see
///     `dpop_prover::proof_for`.
/// \return Success; or an error if the token is empty, or if no proof can be signed. A proof is for
///     one request: call this again before each repetition.
template <detail::sets_fields Fields>
[[nodiscard]] result<void>
authorize(Fields&& fields, access_token const& token, std::string_view method, std::string_view url)
{
    auto const proof = detail::proof_for_request(token, method, url);
    if (!proof)
        return proof.error();
    detail::set_field(fields, "Authorization", token.authorization());
    if (!proof->empty())
        detail::set_field(fields, "DPoP", proof->view());
    return {};
}

} // namespace coauth

#endif
