// The testing server verifies client certificates (RFC 8705).

#include "raw_client.hpp"

#include <boost/test/unit_test.hpp>

using namespace test;

BOOST_AUTO_TEST_SUITE(testing_server_certificates)

using coauth::authentication_method;
using coauth::testing::client_certificates;

namespace
{

namespace json = boost::json;

constexpr char const* id = "tls-client";

server_options with_client(coauth::testing::registered_client client)
{
    auto chosen = options();
    client.id = id;
    chosen.clients = {std::move(client)};
    chosen.client_certificates = client_certificates::requested;
    return chosen;
}

server_options with_certificate(identity const& known)
{
    coauth::testing::registered_client client;
    client.certificates = {known.certificate_pem};
    return with_client(std::move(client));
}

server_options with_subject(identity const& ca, std::string subject)
{
    coauth::testing::registered_client client;
    client.subject = std::move(subject);
    auto chosen = with_client(std::move(client));
    chosen.client_ca_pem = ca.certificate_pem;
    return chosen;
}

raw_request request_of(identity const* shown)
{
    raw_request request{"grant_type=client_credentials&client_id=" + std::string(id)};
    request.shown = shown;
    return request;
}

void check_refused(raw_response const& got, std::string const& reason)
{
    BOOST_TEST(got.status == 401U);
    BOOST_TEST(got.text("error") == "invalid_client");
    BOOST_TEST(
        got.text("error_description").find(reason) != std::string::npos,
        "'" << got.text("error_description") << "' does not say '" << reason << "'");
}

} // namespace

BOOST_AUTO_TEST_CASE(the_registered_certificate_binds_the_token)
{
    auto const known = make_identity("client");
    auto const server = start(with_certificate(known));
    auto const got = send(server, request_of(&known));
    BOOST_TEST(got.status == 200U, got.body);
    BOOST_TEST(got.text("token_type") == "Bearer");
    auto const seen = server.requests().back();
    BOOST_TEST((seen.authentication == authentication_method::self_signed_tls_client_auth));
    BOOST_TEST(seen.client_certificate_thumbprint == known.thumbprint);

    auto request = request_of(&known);
    request.path = "/oauth/introspect";
    request.body = "client_id=" + std::string(id) + "&token=" + got.text("access_token");
    auto const document = send(server, request).document();
    BOOST_TEST(document.at("active").as_bool());
    BOOST_TEST(document.at("cnf").at("x5t#S256").as_string() == known.thumbprint.c_str());
}

BOOST_AUTO_TEST_CASE(another_certificate_or_none_is_refused)
{
    auto const known = make_identity("client");
    auto const other = make_identity("client");
    auto const server = start(with_certificate(known));
    check_refused(send(server, request_of(&other)), "not the registered one");
    check_refused(send(server, request_of(nullptr)), "Client authentication failed.");
    BOOST_TEST(server.requests().back().client_certificate_thumbprint.empty());
}

BOOST_AUTO_TEST_CASE(a_subject_of_a_trusted_ca_is_accepted)
{
    auto const ca = make_identity("CA", nullptr, true);
    auto const known = make_identity("client", &ca);
    auto const server = start(with_subject(ca, "CN=client,O=Example"));
    auto const got = send(server, request_of(&known));
    BOOST_TEST(got.status == 200U, got.body);
    auto const seen = server.requests().back();
    BOOST_TEST((seen.authentication == authentication_method::tls_client_auth));
    BOOST_TEST(seen.client_certificate_thumbprint == known.thumbprint);
}

BOOST_AUTO_TEST_CASE(every_other_subject_and_ca_is_refused)
{
    auto const ca = make_identity("CA", nullptr, true);
    auto const other_ca = make_identity("CA", nullptr, true);
    auto const server = start(with_subject(ca, "CN=client,O=Example"));

    auto const of_other_subject = make_identity("other", &ca);
    auto const of_other_ca = make_identity("client", &other_ca);
    auto const of_itself = make_identity("client");
    auto const expired = make_identity("client", &ca, false, -60);
    check_refused(send(server, request_of(&of_other_subject)), "another subject");
    check_refused(send(server, request_of(&of_other_ca)), "trusted CA");
    check_refused(send(server, request_of(&of_itself)), "trusted CA");
    check_refused(send(server, request_of(&expired)), "trusted CA");
}

BOOST_AUTO_TEST_CASE(a_certificate_in_addition_to_a_secret_binds_the_token)
{
    auto const known = make_identity("client");
    auto chosen = options();
    chosen.client_certificates = client_certificates::requested;
    auto const server = start(std::move(chosen));
    raw_request request{"grant_type=client_credentials"};
    request.headers = {"Authorization: Basic " + std::string(basic_value)};
    request.shown = &known;
    auto const token = send(server, request).text("access_token");
    request.path = "/oauth/introspect";
    request.body = "token=" + token;
    auto const document = send(server, request).document();
    BOOST_TEST(document.at("cnf").at("x5t#S256").as_string() == known.thumbprint.c_str());
}

BOOST_AUTO_TEST_CASE(certificates_are_requested_only_at_the_mtls_alias)
{
    auto const known = make_identity("client");
    auto chosen = with_certificate(known);
    chosen.client_certificates = client_certificates::requested_at_alias;
    auto const server = start(std::move(chosen));
    BOOST_TEST(server.mtls_port() != server.port());

    auto request = request_of(&known);
    check_refused(send(server, request), "Client authentication failed.");
    BOOST_TEST(server.requests().back().client_certificate_thumbprint.empty());
    request.port = server.mtls_port();
    BOOST_TEST(send(server, request).status == 200U);

    raw_request metadata_request{"", {}, "/.well-known/oauth-authorization-server", "GET"};
    auto const document = send(server, metadata_request).document();
    auto const& aliases = document.at("mtls_endpoint_aliases");
    BOOST_TEST(aliases.at("token_endpoint").as_string() == server.mtls_token_endpoint().c_str());
    BOOST_TEST(document.at("token_endpoint").as_string() == server.token_endpoint().c_str());
}

BOOST_AUTO_TEST_CASE(an_unreadable_ca_prevents_the_start)
{
    auto chosen = options();
    chosen.client_certificates = client_certificates::requested;
    chosen.client_ca_pem = "nonsense";
    auto const server = authorization_server::start(std::move(chosen));
    BOOST_REQUIRE(!server);
    BOOST_TEST((server.error() == coauth::errc::tls_failed));
}

BOOST_AUTO_TEST_SUITE_END()
