// Certificates of a system's bundle, which are parsed when OpenSSL looks for them.

#include "net/certificate_index.hpp"

#include "crypto/pem.hpp"
#include "test_keys.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/x509_vfy.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace test;
namespace crypto = coauth::crypto;

BOOST_AUTO_TEST_SUITE(certificate_index)

using coauth::net::index_certificates;

namespace
{

void check_contains(std::string const& text, std::string const& part)
{
    BOOST_TEST((text.find(part) != std::string::npos), text << " lacks " << part);
}

struct indexed
{
    explicit indexed(std::string const& bundle)
        : store(X509_STORE_new())
        , added(index_certificates(store.get(), bundle, "the bundle"))
    {
        X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
    }

    // Verifies the certificate; "ok", or why not.
    [[nodiscard]] std::string verify(identity const& shown) const
    {
        crypto::openssl_ptr<X509> const leaf = crypto::read_certificate(shown.certificate_pem);
        crypto::openssl_ptr<X509_STORE_CTX> const context(X509_STORE_CTX_new());
        X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
        (void)X509_verify_cert(context.get());
        return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    }
    [[nodiscard]] int parsed() const
    {
        return sk_X509_OBJECT_num(X509_STORE_get0_objects(store.get()));
    }

    crypto::openssl_ptr<X509_STORE> store;
    coauth::result<bool> added;
};

} // namespace

BOOST_AUTO_TEST_CASE(only_what_is_needed_is_parsed)
{
    auto const ca = make_identity("first", nullptr, true);
    auto const other = make_identity("second", nullptr, true);
    auto const leaf = make_identity("leaf", &ca);
    indexed const bundle(other.certificate_pem + ca.certificate_pem);
    BOOST_TEST_REQUIRE(bundle.added.value());
    BOOST_TEST(bundle.parsed() == 0);
    BOOST_TEST(bundle.verify(leaf) == "ok");
    BOOST_TEST(bundle.parsed() == 1);
    BOOST_TEST(bundle.verify(leaf) == "ok");
    BOOST_TEST(bundle.parsed() == 1);
    auto const stranger = make_identity("third", nullptr, true);
    BOOST_TEST(
        bundle.verify(make_identity("leaf", &stranger)) ==
        "unable to get local issuer certificate");
    BOOST_TEST(bundle.parsed() == 1);
}

// A CA that renewed its key: both certificates have one subject.
BOOST_AUTO_TEST_CASE(all_certificates_of_a_subject_are_loaded)
{
    auto const before = make_identity("a CA", nullptr, true);
    auto const renewed = make_identity("a CA", nullptr, true);
    indexed const bundle(before.certificate_pem + renewed.certificate_pem);
    (void)bundle.verify(make_identity("leaf", &before));
    BOOST_TEST(bundle.parsed() == 2);
}

BOOST_AUTO_TEST_CASE(a_certificate_that_is_there_twice_is_found)
{
    auto const ca = make_identity("a CA", nullptr, true);
    indexed const bundle(ca.certificate_pem + ca.certificate_pem);
    BOOST_TEST(bundle.verify(make_identity("leaf", &ca)) == "ok");
    BOOST_TEST(bundle.verify(make_identity("leaf", &ca)) == "ok");
}

BOOST_AUTO_TEST_CASE(damaged_bundles_are_refused_with_the_line)
{
    auto const ca = make_identity("a CA", nullptr, true).certificate_pem;
    auto wrong = ca;
    wrong[60] = '!';
    auto padded = ca;
    padded[200] = '=';
    auto const short_of_a_line = ca.substr(0, 28) + ca.substr(93);
    for (auto const& [text, says] :
         {std::pair{ca + wrong, "the bundle is damaged at line"},
          {ca + padded, "the block that begins there cannot be read"},
          {ca + short_of_a_line, "the block that begins there cannot be read"},
          {ca + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
           "the block that begins there cannot be read"},
          {ca + ca.substr(0, 100), "does not end"}})
    {
        indexed const bundle(text);
        BOOST_TEST_REQUIRE(bundle.added.has_error());
        check_contains(bundle.added.error().message(), says);
    }
}

BOOST_AUTO_TEST_CASE(text_without_certificates_adds_none)
{
    BOOST_TEST(!indexed("").added.value());
    BOOST_TEST(!indexed("no PEM at all").added.value());
    BOOST_TEST(!indexed(test_key("P-256").public_pem()).added.value());
}

BOOST_AUTO_TEST_CASE(many_threads_verify_at_once)
{
    std::vector<identity> issuers;
    std::string text;
    for (int i = 0; i < 8; ++i)
    {
        issuers.push_back(make_identity("CA " + std::to_string(i), nullptr, true));
        text += issuers.back().certificate_pem;
    }
    std::vector<identity> leaves;
    for (auto const& issuer : issuers)
        leaves.push_back(make_identity("leaf", &issuer));
    indexed const bundle(text);
    std::vector<std::thread> threads;
    std::atomic<int> verified{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back(
            [&]
            {
                for (auto const& leaf : leaves)
                    verified += bundle.verify(leaf) == "ok" ? 1 : 0;
            });
    for (auto& one : threads)
        one.join();
    BOOST_TEST(verified == 32);
    BOOST_TEST(bundle.parsed() == 8);
}

BOOST_AUTO_TEST_SUITE_END()
