// TLS as the machine's owner configured it, and as servers use it.

#include "fixture.hpp"
#include "issued_certificate.hpp"
#include "raw_tls_server.hpp"
#include "scratch_file.hpp"
#include "test_keys.hpp"
#include "tls_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdio>
#include <memory>

using namespace test;

BOOST_AUTO_TEST_SUITE(tls)

namespace
{

// The output of the client's process.
std::string run_client(std::string const& environment, std::string const& arguments)
{
    auto const command = environment + " " COAUTH_FIELD_CLIENT " " + arguments;
    std::shared_ptr<std::FILE> const output(::popen(command.c_str(), "r"), ::pclose);
    BOOST_TEST_REQUIRE(output.get() != nullptr);
    std::string text;
    std::array<char, 512> part{};
    while (auto const size = std::fread(part.data(), 1, part.size(), output.get()))
        text.append(part.data(), size);
    return text;
}

std::string endpoint_of(raw_tls_server const& server)
{
    return "https://127.0.0.1:" + std::to_string(server.port()) + "/";
}

raw_tls_server::settings with_settings(
    issued_certificate const& certificate, int version, char const* ciphers, char const* groups)
{
    return [&certificate, version, ciphers, groups](SSL_CTX& context)
    {
        tls_settings(certificate, version)(context);
        if (ciphers != nullptr)
            check(SSL_CTX_set_cipher_list(&context, ciphers) == 1);
        if (groups != nullptr)
            check(SSL_CTX_set1_groups_list(&context, groups) == 1);
    };
}

void check_starts_with(std::string const& text, std::string const& beginning)
{
    BOOST_TEST(text.substr(0, beginning.size()) == beginning, text << ", not " << beginning);
}

void check_contains(std::string const& text, std::string const& part)
{
    BOOST_TEST((text.find(part) != std::string::npos), text << " lacks " << part);
}

std::string indented(std::string text)
{
    for (std::size_t i = 0; (i = text.find('\n', i)) != std::string::npos; i += 5)
        text.replace(i, 1, "\n    ");
    return "    " + text;
}

std::string replaced(std::string text, std::string const& from, std::string const& to)
{
    for (std::size_t i = 0; (i = text.find(from, i)) != std::string::npos; i += to.size())
        text.replace(i, from.size(), to);
    return text;
}

// All of the base64 text on one line.
std::string on_one_line(std::string const& pem)
{
    auto const begin = pem.find('\n') + 1;
    auto const end = pem.find("-----END");
    return pem.substr(0, begin) + replaced(pem.substr(begin, end - begin), "\n", "") + "\n" +
           pem.substr(end);
}

// A client certificate of the server's CA.
void use_client_certificate(coauth::client_config& config, issued_certificate const& issued)
{
    config.tls.certificate_pem = issued.certificate_pem();
    config.tls.key_pem = coauth::secret(issued.key_pem());
}

// Lets OpenSSL process what the client sends now; no application data follows.
void process_input(raw_connection& peer)
{
    char byte = 0;
    peer.set_timeout(300ms);
    (void)SSL_peek(peer.tls(), &byte, 1);
    peer.set_timeout(5s);
}

struct seen_certificates
{
    int requested = 0;
    int received = 0;
};

// Requests the client's certificate after the request, as Apache httpd and IIS do.
raw_tls_server::script requesting(seen_certificates& seen, int times)
{
    return [&seen, times](raw_connection& peer)
    {
        if (!peer.handshake() || !peer.read_request())
            return;
        bool const tls_1_3_used = SSL_version(peer.tls()) == tls_1_3;
        for (int i = 0; i < times; ++i)
        {
            SSL_set_verify(peer.tls(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
            bool const begun = (tls_1_3_used ? SSL_verify_client_post_handshake(peer.tls())
                                             : SSL_renegotiate(peer.tls())) == 1 &&
                               SSL_do_handshake(peer.tls()) == 1;
            if (!begun)
                break;
            ++seen.requested;
            process_input(peer);
            std::shared_ptr<X509> const shown(SSL_get1_peer_certificate(peer.tls()), X509_free);
            seen.received += shown ? 1 : 0;
        }
        peer.write(http_response(token_body));
    };
}

raw_tls_server::settings verifying_clients(issued_certificate const& certificate, int version)
{
    return [&certificate, version](SSL_CTX& context)
    {
        certificate.require_of_clients(context);
        tls_settings(certificate, version)(context);
        SSL_CTX_set_verify(&context, SSL_VERIFY_NONE, nullptr);
        SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
    };
}

struct bundle
{
    char const* name;
    std::string text;
    // Empty: it is read, and the second certificate is trusted.
    std::string error;
};

// Bundles of two certificates, and of a key.
std::vector<bundle>
bundles(std::string const& first, std::string const& second, std::string const& key)
{
    auto const lines = static_cast<std::size_t>(std::count(first.begin(), first.end(), '\n'));
    auto const line = [](std::size_t number) { return "line " + std::to_string(number); };
    auto const glued = first.substr(0, first.size() - 1) + second;
    return {
        {"two", first + second, ""},
        {"text around", "# mine\n" + first + "\nand theirs\n" + second + "# end -- of it\n", ""},
        {"byte order mark", "\xEF\xBB\xBF" + first + second, ""},
        {"CRLF", replaced(first + second, "\n", "\r\n"), ""},
        {"indented", indented(first + second), ""},
        {"glued", glued, ""},
        {"glued, with hyphens in common", first.substr(0, first.size() - 6) + second, ""},
        {"one long line", on_one_line(first) + on_one_line(second), ""},
        {"escaped line ends", replaced(first + second, "\n", "\\n"), ""},
        {"a key first", key + second, ""},
        {"twice the same", second + second, ""},
        {"no line end at the end", first + second.substr(0, second.size() - 1), ""},
        {"cut", first + second.substr(0, second.size() / 2), line(lines + 1)},
        {"cut before the last marker", first + second.substr(0, second.find("-----END")),
         line(lines + 1)},
        {"END missing between", first.substr(0, first.find("-----END")) + second, line(1)},
        {"BEGIN missing", first + second.substr(second.find('\n') + 1), "damaged at line"},
        {"four dashes", first + second.substr(1), line(lines + 1)},
        {"four dashes at the end", first + second.substr(0, second.size() - 2), "damaged at line"},
        {"not base64", first + replaced(second, "\nM", "\n*"), line(lines + 1)},
        {"bytes lost", first + second.substr(0, 60) + second.substr(70), line(lines + 1)},
        {"empty block", first + "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
         line(lines + 1)},
        {"no certificate", key, "holds no PEM certificate"},
    };
}

} // namespace

// The stricter of both: the system's openssl.cnf and the library's own rules.
BOOST_AUTO_TEST_CASE(the_systems_configuration_is_kept_where_it_is_stricter)
{
    issued_certificate const p256;
    certificate_text rsa_text;
    rsa_text.rsa_bits = 2048;
    issued_certificate const rsa(rsa_text);
    struct row
    {
        char const* setting;
        issued_certificate const* certificate;
        int version;
        char const* ciphers;
        char const* groups;
        char const* expected;
    };
    char const* const aes128 = "ECDHE-ECDSA-AES128-GCM-SHA256";
    char const* const aes256 = "ECDHE-ECDSA-AES256-GCM-SHA384";
    for (auto const& [setting, certificate, version, ciphers, groups, expected] : {
             row{"", &p256, tls_1_2, nullptr, nullptr, "success"},
             row{"MinProtocol = TLSv1.3", &p256, tls_1_2, nullptr, nullptr, "tls_failed"},
             row{"MinProtocol = TLSv1.3", &p256, tls_1_3, nullptr, nullptr, "success"},
             row{"MaxProtocol = TLSv1.2", &p256, tls_1_3, nullptr, nullptr, "tls_failed"},
             row{"MaxProtocol = TLSv1.2", &p256, tls_1_2, nullptr, nullptr, "success"},
             row{"MinProtocol = TLSv1", &p256, TLS1_1_VERSION, nullptr, nullptr, "tls_failed"},
             row{"MaxProtocol = TLSv1.1", &p256, 0, nullptr, nullptr, "invalid_configuration"},
             row{"CipherString = ECDHE-ECDSA-AES128-GCM-SHA256", &p256, tls_1_2, aes256, nullptr,
                 "tls_failed"},
             row{"CipherString = ECDHE-ECDSA-AES128-GCM-SHA256", &p256, tls_1_2, aes128, nullptr,
                 "success"},
             row{"CipherString = AES128-SHA", &p256, tls_1_2, nullptr, nullptr, "tls_failed"},
             row{"CipherString = AES128-SHA", &p256, tls_1_3, nullptr, nullptr, "success"},
             row{"CipherString = ALL:eNULL:@SECLEVEL=0", &p256, tls_1_2, "ECDHE-ECDSA-NULL-SHA",
                 nullptr, "tls_failed"},
             row{"CipherString = DEFAULT:@SECLEVEL=3", &rsa, 0, nullptr, nullptr,
                 "certificate_verify_failed"},
             row{"CipherString = DEFAULT:@SECLEVEL=3", &p256, 0, nullptr, nullptr, "success"},
             row{"Groups = P-384", &p256, tls_1_3, nullptr, "P-256", "tls_failed"},
             row{"Groups = P-384", &p256, tls_1_3, nullptr, "P-384", "success"},
             row{"Ciphersuites = TLS_AES_256_GCM_SHA384", &p256, tls_1_3, nullptr, nullptr,
                 "success"},
         })
        BOOST_TEST_CONTEXT(
            setting << ", server: version " << version << ", ciphers "
                    << (ciphers != nullptr ? ciphers : "any") << ", groups "
                    << (groups != nullptr ? groups : "any"))
        {
            scratch_file const configuration(
                "openssl_cnf", "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\n"
                               "system_default = tls\n[tls]\n" +
                                   std::string(setting) + "\n");
            scratch_file const ca("field_ca", certificate->ca_pem());
            raw_tls_server const server(
                with_settings(*certificate, version, ciphers, groups), serve_one_token);
            auto const said = run_client(
                "OPENSSL_CONF=" + configuration.path(),
                "fetch " + endpoint_of(server) + " " + ca.path());
            check_starts_with(said, expected);
            if (std::string(expected) == "invalid_configuration")
                check_contains(said, "openssl.cnf");
        }
}

BOOST_AUTO_TEST_CASE(no_trust_store_is_told)
{
    issued_certificate const certificate;
    scratch_file const ca("field_system", certificate.ca_pem());
    raw_tls_server const server(tls_settings(certificate), serve_one_token);
    auto const arguments = "fetch " + endpoint_of(server) + " system";
    auto const without = run_client(
        "SSL_CERT_FILE=/nonexistent.pem SSL_CERT_DIR=/nonexistent:/nonexistent2", arguments);
    check_starts_with(without, "invalid_configuration");
    check_contains(without, "no trust store");
    check_contains(without, "/nonexistent.pem");
    BOOST_TEST(
        run_client("SSL_CERT_DIR=/nonexistent SSL_CERT_FILE=" + ca.path(), arguments) == "success");
}

BOOST_AUTO_TEST_CASE(the_dot_of_a_full_name_is_not_part_of_it)
{
    issued_certificate const certificate;
    for (auto const* const host : {"localhost", "localhost."})
        BOOST_TEST_CONTEXT(host)
        {
            std::string server_name;
            raw_tls_server server(
                tls_settings(certificate),
                [&](raw_connection& peer)
                {
                    bool const going = peer.handshake() && peer.read_request();
                    auto const* const sent =
                        SSL_get_servername(peer.tls(), TLSEXT_NAMETYPE_host_name);
                    server_name = sent != nullptr ? sent : "";
                    if (going)
                        peer.write(http_response(token_body));
                });
            auto const got = fetch(config_for(server, certificate, host));
            check_accepted(server, got);
            BOOST_TEST(server_name == "localhost");
        }
}

BOOST_AUTO_TEST_CASE(the_groups_for_the_key_exchange_can_be_chosen)
{
    issued_certificate const issued;
    struct row
    {
        char const* ours;
        char const* of_server;
        char const* expected;
    };
    for (auto const& [ours, of_server, expected] :
         {row{"", "P-384", "success"}, row{"P-256", "P-384", "tls_failed"},
          row{"P-256:P-384", "P-384", "success"}, row{"X25519:P-256", "X25519", "success"},
          row{"P-255", "P-256", "invalid_configuration"}})
        for (int const version : {tls_1_2, tls_1_3})
            BOOST_TEST_CONTEXT(ours << " and " << of_server << ", version " << version)
            {
                raw_tls_server const server(
                    with_settings(issued, version, nullptr, of_server), serve_one_token);
                auto config = config_for(server, issued);
                config.retry.max_attempts = 1;
                config.tls.groups = ours;
                auto const got = fetch(config);
                BOOST_TEST(outcome(got) == expected);
                if (!got && got.error() == coauth::errc::invalid_configuration)
                    check_contains(got.error().message(), "tls.groups 'P-255'");
            }
}

BOOST_AUTO_TEST_CASE(a_weak_client_certificate_is_told)
{
    issued_certificate const issued;
    certificate_text text;
    text.rsa_bits = 1024;
    issued_certificate const weak(text);
    raw_tls_server const server(tls_settings(issued), serve_one_token);
    auto config = config_for(server, issued);
    use_client_certificate(config, weak);
    auto const got = fetch(config);
    BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
    check_contains(got.error().message(), "tls.certificate_pem");
    check_contains(got.error().message(), "key too small");
}

BOOST_AUTO_TEST_CASE(whatever_is_given_is_a_trust_anchor)
{
    certificate_text text;
    text.intermediate.emplace();
    issued_certificate const issued(text);
    issued_certificate const other(text);
    struct row
    {
        char const* name;
        std::string ca;
        char const* expected;
    };
    for (auto const& row : std::vector<row>{
             {"root", issued.ca_pem(), "success"},
             {"intermediate", issued.intermediate_pem(), "success"},
             {"the server's own certificate", issued.certificate_pem(), "success"},
             {"trusted certificate", issued.trusted_ca_pem(), "success"},
             {"another root", other.ca_pem(), "certificate_verify_failed"},
             {"another intermediate", other.intermediate_pem(), "certificate_verify_failed"}})
        BOOST_TEST_CONTEXT(row.name)
        {
            raw_tls_server const server(tls_settings(issued), serve_one_token);
            auto config = config_for(server, issued);
            config.tls.ca_pem = row.ca;
            BOOST_TEST(outcome(fetch(config)) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_bundle_is_read_whole_or_refused_with_the_line)
{
    auto const other = make_identity("another CA", nullptr, true);
    issued_certificate const issued;
    for (auto const& row : bundles(other.certificate_pem, issued.ca_pem(), other.key.private_pem()))
        BOOST_TEST_CONTEXT(row.name)
        {
            raw_tls_server const server(tls_settings(issued), serve_one_token);
            scratch_file const file("field_bundle", row.text);
            for (bool const from_file : {false, true})
            {
                auto config = config_for(server, issued);
                config.tls.ca_pem = from_file ? std::string() : row.text;
                config.tls.ca_file = from_file ? file.path() : std::string();
                auto const got = fetch(config);
                BOOST_TEST(
                    outcome(got) == (row.error.empty() ? "success" : "invalid_configuration"));
                if (!got && !row.error.empty())
                {
                    check_contains(got.error().message(), row.error);
                    check_contains(
                        got.error().message(), from_file ? file.path() : std::string("tls.ca_pem"));
                }
            }
        }
}

// Once for each request, and only where the client has a certificate.
BOOST_AUTO_TEST_CASE(a_certificate_is_shown_after_the_request)
{
    issued_certificate const issued;
    struct row
    {
        int version;
        bool has_certificate;
        int times;
        bool succeeds;
        int received;
    };
    for (auto const& row :
         {row{tls_1_3, true, 1, true, 1}, row{tls_1_3, true, 3, false, 1},
          row{tls_1_3, false, 1, true, 0}, row{tls_1_2, true, 1, true, 1},
          row{tls_1_2, true, 3, false, 1}, row{tls_1_2, false, 1, false, 0}})
        BOOST_TEST_CONTEXT(
            (row.version == tls_1_3 ? "TLS 1.3, " : "TLS 1.2, ")
            << (row.has_certificate ? "a certificate, " : "no certificate, ") << row.times)
        {
            seen_certificates seen;
            raw_tls_server server(
                verifying_clients(issued, row.version), requesting(seen, row.times));
            auto config = config_for(server, issued);
            config.retry.max_attempts = 1;
            if (row.has_certificate)
                use_client_certificate(config, issued);
            auto const got = fetch(config);
            server.finish();
            BOOST_TEST(got.has_value() == row.succeeds, outcome(got));
            BOOST_TEST(
                (row.times == 1 ? seen.received == row.received : seen.received >= row.received));
        }
}

BOOST_AUTO_TEST_SUITE_END()
