#include <coauth/error.hpp>
#include <coauth/result.hpp>

#include "support.hpp"
#include "values/make_error.hpp"

#include <boost/system/system_error.hpp>

#include <exception>
#include <new>
#include <set>
#include <sstream>
#include <stdexcept>

using namespace test;

BOOST_AUTO_TEST_SUITE(error)

using coauth::errc;
using coauth::error_kind;

namespace
{

using failure = coauth::error;

struct code_case
{
    errc code;
    char const* name;
    error_kind kind;
    bool transient;
};

std::vector<code_case> const table = {
    {errc::invalid_configuration, "invalid_configuration", error_kind::configuration, false},
    {errc::invalid_parameter, "invalid_parameter", error_kind::configuration, false},
    {errc::resolve_failed, "resolve_failed", error_kind::resolve, true},
    {errc::connect_failed, "connect_failed", error_kind::connect, true},
    {errc::connection_lost, "connection_lost", error_kind::connect, true},
    {errc::proxy_refused, "proxy_refused", error_kind::connect, false},
    {errc::tls_failed, "tls_failed", error_kind::tls, false},
    {errc::certificate_verify_failed, "certificate_verify_failed", error_kind::tls, false},
    {errc::timeout, "timeout", error_kind::timeout, true},
    {errc::cancelled, "cancelled", error_kind::cancelled, false},
    {errc::out_of_memory, "out_of_memory", error_kind::resource, false},
    {errc::random_failed, "random_failed", error_kind::resource, true},
    {errc::queue_full, "queue_full", error_kind::resource, true},
    {errc::redirect_refused, "redirect_refused", error_kind::http, false},
    {errc::http_error, "http_error", error_kind::http, false},
    {errc::malformed_http, "malformed_http", error_kind::protocol, false},
    {errc::incomplete_response, "incomplete_response", error_kind::protocol, true},
    {errc::response_too_large, "response_too_large", error_kind::protocol, false},
    {errc::malformed_response, "malformed_response", error_kind::protocol, false},
    {errc::unexpected_token_type, "unexpected_token_type", error_kind::protocol, false},
    {errc::invalid_request, "invalid_request", error_kind::oauth, false},
    {errc::invalid_client, "invalid_client", error_kind::oauth, false},
    {errc::invalid_grant, "invalid_grant", error_kind::oauth, false},
    {errc::unauthorized_client, "unauthorized_client", error_kind::oauth, false},
    {errc::unsupported_grant_type, "unsupported_grant_type", error_kind::oauth, false},
    {errc::invalid_scope, "invalid_scope", error_kind::oauth, false},
    {errc::invalid_target, "invalid_target", error_kind::oauth, false},
    {errc::access_denied, "access_denied", error_kind::oauth, false},
    {errc::insufficient_scope, "insufficient_scope", error_kind::oauth, false},
    {errc::invalid_method, "invalid_method", error_kind::oauth, false},
    {errc::server_error, "server_error", error_kind::oauth, true},
    {errc::temporarily_unavailable, "temporarily_unavailable", error_kind::oauth, true},
    {errc::use_dpop_nonce, "use_dpop_nonce", error_kind::oauth, true},
    {errc::invalid_dpop_proof, "invalid_dpop_proof", error_kind::oauth, false},
    {errc::unsupported_token_type, "unsupported_token_type", error_kind::oauth, false},
    {errc::other_oauth_error, "other_oauth_error", error_kind::oauth, false},
    {errc::rate_limited, "rate_limited", error_kind::rate_limited, true},
    {errc::internal_error, "internal_error", error_kind::resource, false},
};

// In the order of their numbers, from 1.
std::vector<errc> const numbered = {
    errc::invalid_configuration,
    errc::invalid_parameter,
    errc::resolve_failed,
    errc::connect_failed,
    errc::connection_lost,
    errc::proxy_refused,
    errc::tls_failed,
    errc::certificate_verify_failed,
    errc::timeout,
    errc::cancelled,
    errc::out_of_memory,
    errc::random_failed,
    errc::queue_full,
    errc::redirect_refused,
    errc::http_error,
    errc::malformed_http,
    errc::incomplete_response,
    errc::response_too_large,
    errc::malformed_response,
    errc::unexpected_token_type,
    errc::invalid_request,
    errc::invalid_client,
    errc::invalid_grant,
    errc::unauthorized_client,
    errc::unsupported_grant_type,
    errc::invalid_scope,
    errc::invalid_target,
    errc::access_denied,
    errc::insufficient_scope,
    errc::invalid_method,
    errc::server_error,
    errc::temporarily_unavailable,
    errc::use_dpop_nonce,
    errc::invalid_dpop_proof,
    errc::unsupported_token_type,
    errc::other_oauth_error,
    errc::rate_limited,
    errc::internal_error};

failure with_status(errc code, unsigned status)
{
    coauth::error_info info;
    info.http_status = status;
    return {code, std::move(info)};
}

} // namespace

BOOST_AUTO_TEST_CASE(exceptions_become_errors)
{
    auto const of = [](auto const& thrown)
    { return coauth::detail::error_of(std::make_exception_ptr(thrown)); };
    BOOST_TEST((of(std::bad_alloc()) == errc::out_of_memory));
    auto const known = of(std::runtime_error("the executor is full"));
    BOOST_TEST((known == errc::internal_error));
    BOOST_TEST(known.context() == "the executor is full");
    BOOST_TEST((of(7) == errc::internal_error));
}

BOOST_AUTO_TEST_CASE(every_code_has_a_name_a_kind_and_a_message)
{
    std::set<std::string> sentences;
    for (auto const& row : table)
        BOOST_TEST_CONTEXT(row.name)
        {
            failure const e(row.code);
            BOOST_TEST(to_string(row.code) == row.name);
            BOOST_TEST((e.kind() == row.kind));
            BOOST_TEST(e.transient() == row.transient);
            BOOST_TEST(e.code().category().name() == "coauth"s);
            // Equal to its own code and kind, and to no other.
            BOOST_TEST((e.code() == row.code));
            for (auto const& other : table)
                BOOST_TEST((e.code() == other.kind) == (other.kind == row.kind));
            BOOST_TEST((e == row.code));
            BOOST_TEST((e == row.kind));
            BOOST_TEST(!e.message().empty());
            sentences.insert(e.message());
        }
    BOOST_TEST(sentences.size() == table.size());
    // The table is complete: the next number has no name.
    auto const beyond = static_cast<errc>(table.size() + 1);
    BOOST_TEST(to_string(beyond) == "no_error");
    BOOST_TEST(make_error_code(beyond).message() == "no error");
}

// Programs may store the numbers, so that they never change.
BOOST_AUTO_TEST_CASE(the_numbers_of_error_codes_never_change)
{
    for (std::size_t i = 0; i < table.size(); ++i)
        BOOST_TEST(static_cast<std::size_t>(numbered[i]) == i + 1);
    BOOST_TEST(numbered.size() == table.size());
}

BOOST_AUTO_TEST_CASE(errors_are_equal_if_code_and_details_are)
{
    coauth::error_info info;
    info.context = "context";
    failure const base(errc::http_error, info);
    BOOST_TEST((base == failure(errc::http_error, info)));
    BOOST_TEST((base == failure(base)));
    BOOST_TEST((base != failure(errc::timeout, info)));
    BOOST_TEST((base != failure(errc::http_error)));
    BOOST_TEST((failure(errc::timeout) == failure(errc::timeout, coauth::error_info())));
    using change = void (*)(coauth::error_info&);
    for (change const apply :
         std::initializer_list<change>{
             [](auto& i) { i.context = "other"; },
             [](auto& i) { i.cause = make_error_code(errc::timeout); },
             [](auto& i) { i.http_status = 1; },
             [](auto& i) { i.oauth_error = "x"; },
             [](auto& i) { i.description = "x"; },
             [](auto& i) { i.uri = "x"; },
             [](auto& i) { i.server_code = 0; },
             [](auto& i) { i.retry_at = std::chrono::system_clock::time_point(); },
             [](auto& i) { i.attempts = 1; },
             [](auto& i) { i.headers.add("A", "b"); },
         })
    {
        auto changed = info;
        apply(changed);
        failure const other(errc::http_error, changed);
        BOOST_TEST((base != other));
        BOOST_TEST((other == failure(errc::http_error, changed)));
        BOOST_TEST((other == errc::http_error));
    }
}

BOOST_AUTO_TEST_CASE(kinds_have_names_and_messages)
{
    BOOST_TEST(to_string(error_kind::rate_limited) == "rate_limited");
    BOOST_TEST(to_string(error_kind::configuration) == "configuration");
    BOOST_TEST(make_error_condition(error_kind::tls).category().name() == "coauth.kind"s);
    BOOST_TEST(!make_error_condition(error_kind::tls).message().empty());
}

BOOST_AUTO_TEST_CASE(status_decides_whether_an_http_error_is_transient)
{
    for (unsigned const status : {408U, 425U, 429U, 500U, 501U, 502U, 503U, 504U, 599U})
        BOOST_TEST(with_status(errc::http_error, status).transient(), "status " << status);
    for (unsigned const status : {301U, 400U, 401U, 403U, 404U, 405U, 410U})
        BOOST_TEST(!with_status(errc::http_error, status).transient(), "status " << status);
}

BOOST_AUTO_TEST_CASE(authentication_failures_are_recognized)
{
    for (auto const& row : table)
        BOOST_TEST(
            failure(row.code).is_authentication_failure() ==
            (row.code == errc::invalid_client || row.code == errc::unauthorized_client));
    BOOST_TEST(with_status(errc::http_error, 401).is_authentication_failure());
    BOOST_TEST(!with_status(errc::http_error, 403).is_authentication_failure());
    BOOST_TEST(!with_status(errc::invalid_request, 401).is_authentication_failure());
}

BOOST_AUTO_TEST_CASE(the_message_contains_all_details)
{
    coauth::error_info info;
    info.context = "the context";
    info.cause = boost::system::errc::make_error_code(boost::system::errc::connection_refused);
    info.http_status = 401;
    info.oauth_error = "invalid_client";
    info.description = "Bad secret.";
    info.server_code = 1600;
    failure const e(errc::invalid_client, info);
    auto const message = e.message();
    for (auto const* part :
         {"the context", "refused", "HTTP 401", "invalid_client", "Bad secret.", "1600",
          "check client id, secret"})
        check_contains(message, part);
    std::ostringstream out;
    out << e;
    BOOST_TEST(out.str() == message);
}

BOOST_AUTO_TEST_CASE(an_error_has_the_details_of_its_construction)
{
    failure const bare(errc::timeout);
    BOOST_TEST(bare.context().empty());
    BOOST_TEST(!bare.cause());
    BOOST_TEST(bare.http_status() == 0U);
    BOOST_TEST(!bare.server_code());
    BOOST_TEST(!bare.retry_at());
    BOOST_TEST(bare.headers().empty());
    BOOST_TEST(bare.attempts() == 0U);

    coauth::error_info info;
    info.uri = "https://x";
    info.server_code = -3;
    info.attempts = 2;
    info.headers.add("A", "b");
    failure const full(errc::server_error, info);
    failure const copy = full;
    BOOST_TEST(copy.uri() == "https://x");
    BOOST_TEST(*copy.server_code() == -3);
    BOOST_TEST(copy.attempts() == 2U);
    BOOST_TEST(*copy.headers().find("a") == "b");
    // Details are shared, not copied.
    BOOST_TEST(copy.uri().data() == full.uri().data());
}

BOOST_AUTO_TEST_CASE(a_result_may_be_of_any_type)
{
    coauth::result<int> const value = 5;
    BOOST_TEST(*value == 5);
    coauth::result<int> const none = errc::timeout;
    BOOST_TEST((none.error() == errc::timeout));
    // Only value() of a failure throws.
    BOOST_CHECK_EXCEPTION(
        (void)none.value(), boost::system::system_error,
        [](auto const& e) { return e.code() == errc::timeout; });
}

BOOST_AUTO_TEST_SUITE_END()
