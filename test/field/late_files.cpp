// Clients that are created before their files are there or fit each other.

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(late_files)

using coauth::client_authentication;

namespace
{

// The files that a configuration names, and what is deployed there in the end.
struct deployment
{
    identity const known = make_identity("client");
    std::string const key_pem = known.key.private_pem();
    scratch_file const certificate{"field_certificate"};
    scratch_file const key{"field_key"};
    scratch_file const trust{"field_trust"};
};

void use_certificate(coauth::client_config& config, deployment const& to)
{
    config.authentication = client_authentication::self_signed_tls_client_auth(other_id);
    config.tls.certificate_file = to.certificate.path();
    config.tls.key_file = to.key.path();
}

void use_signing_key(coauth::client_config& config, deployment const& to)
{
    config.authentication = client_authentication::private_key_jwt(
        other_id,
        coauth::signing_key::pem_file(to.key.path()).certificate_file(to.certificate.path()));
}

void use_ca_file(coauth::client_config& config, deployment const& to)
{
    use_signing_key(config, to);
    config.tls.ca_pem.clear();
    config.tls.ca_file = to.trust.path();
}

void use_crl_file(coauth::client_config& config, deployment const& to)
{
    use_certificate(config, to);
    config.tls.crl_file = to.trust.path();
}

// Only the key of DPoP is in a file.
void use_dpop_key(coauth::client_config& config, deployment const& to)
{
    config.authentication = client_authentication::self_signed_tls_client_auth(other_id);
    config.tls.certificate_pem = to.known.certificate_pem;
    config.tls.key_pem = coauth::secret(to.key_pem);
    config.dpop =
        std::make_shared<coauth::dpop_prover>(coauth::signing_key::pem_file(to.key.path()));
}

void use_all_files(coauth::client_config& config, deployment const& to)
{
    use_ca_file(config, to);
    config.tls.certificate_file = to.certificate.path();
    config.tls.key_file = to.key.path();
}

struct early_case
{
    char const* name;
    void (*configure)(coauth::client_config&, deployment const&);
    // What the files hold when the client is created.
    std::string certificate;
    std::string key;
    // What the error says.
    std::vector<std::string> says;
};

std::vector<early_case> early_cases(deployment const& to)
{
    auto const& right = to.known.certificate_pem;
    auto const wrong = make_identity("client").certificate_pem;
    auto const key = "'" + to.key.path();
    auto const certificate = "'" + to.certificate.path();
    auto const trust = "'" + to.trust.path();
    return {
        {"certificate and key do not fit",
         use_certificate,
         wrong,
         to.key_pem,
         {"tls.key_file " + key, "is not the key of", certificate}},
        {"no client certificate",
         use_certificate,
         "",
         to.key_pem,
         {"tls.certificate_file " + certificate}},
        {"half a key", use_certificate, right, to.key_pem.substr(0, 60), {"tls.key_file " + key}},
        {"no signing key", use_signing_key, right, "", {"the signing key " + key}},
        {"a signing key and a certificate that do not fit",
         use_signing_key,
         wrong,
         to.key_pem,
         {to.certificate.path()}},
        {"no CA", use_ca_file, right, to.key_pem, {"tls.ca_file " + trust}},
        {"no revocation list", use_crl_file, right, to.key_pem, {"tls.crl_file " + trust}},
        {"no DPoP key", use_dpop_key, "", "", {"dpop: the key " + key}},
        {"nothing at all", use_all_files, "", "", {to.key.path()}},
    };
}

authorization_server start_for(identity const& known)
{
    coauth::testing::registered_client registered;
    registered.certificates = {known.certificate_pem};
    registered.public_keys = {known.key.public_pem()};
    auto chosen = options_with_client(std::move(registered));
    chosen.client_certificates = coauth::testing::client_certificates::requested;
    chosen.dpop = coauth::testing::dpop::accepted;
    return start(std::move(chosen));
}

void check_contains(std::string const& text, std::string const& part)
{
    BOOST_TEST((text.find(part) != std::string::npos), text << " lacks " << part);
}

void check_reports(client_fixture& early, std::vector<std::string> const& says)
{
    BOOST_TEST(outcome(early.client.validate()) == "invalid_configuration");
    auto const got = early.fetch();
    BOOST_TEST(outcome(got) == "invalid_configuration");
    BOOST_REQUIRE(!got);
    for (auto const& part : says)
        check_contains(got.error().message(), part);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_client_that_was_made_too_early_recovers)
{
    deployment const to;
    auto const server = start_for(to.known);
    for (auto const& row : early_cases(to))
        BOOST_TEST_CONTEXT(row.name)
        {
            to.certificate.write(row.certificate);
            to.key.write(row.key);
            to.trust.write("");
            auto const connections = server.connections();
            auto config = single_attempt(server);
            row.configure(config, to);
            BOOST_TEST(outcome(coauth::validate(config)) == "invalid_configuration");
            client_fixture early(config);
            check_reports(early, row.says);
            check_reports(early, row.says);
            BOOST_TEST(server.connections() == connections);

            to.certificate.write(to.known.certificate_pem);
            to.key.write(to.key_pem);
            to.trust.write(config.tls.crl_file.empty() ? server.ca_pem() : server.crl_pem(false));
            BOOST_TEST(outcome(early.client.validate()) == "success");
            BOOST_TEST(outcome(early.fetch()) == "success");
        }
}

// Until then it backs off, but looks at the files once a second.
BOOST_AUTO_TEST_CASE(a_token_source_that_was_made_too_early_recovers)
{
    auto const server = start();
    scratch_file const ca("field_ca", "not yet");
    auto config = single_attempt(server);
    config.tls.ca_pem.clear();
    config.tls.ca_file = ca.path();
    client_fixture early(config);
    coauth::token_source tokens(early.client);
    auto const get = [&]
    {
        std::string got;
        tokens.async_get_access_token([&](token_result const& r) { got = outcome(r); });
        early.context.restart();
        early.context.run();
        return got;
    };
    BOOST_TEST(get() == "invalid_configuration");
    BOOST_TEST(get() == "invalid_configuration");
    ca.write(server.ca_pem());
    std::this_thread::sleep_for(1020ms);
    BOOST_TEST(get() == "success");
}

BOOST_AUTO_TEST_SUITE_END()
