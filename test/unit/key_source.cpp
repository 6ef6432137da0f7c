// Keys whose files are replaced while the program runs.

#include "crypto/key_source.hpp"

#include "support.hpp"
#include "temporary_file.hpp"
#include "test_keys.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(key_source)

using coauth::signing_key;

namespace
{

std::string thumbprint(
    coauth::crypto::key_source& tested,
    coauth::crypto::key_source::clock::time_point now = coauth::crypto::key_source::clock::now())
{
    auto const key = tested.current(now);
    return key ? (*key)->thumbprint() : "error: " + key.error().message();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_new_key_is_used_and_an_unusable_file_only_after_the_grace)
{
    test_key const first("P-256");
    test_key const second("Ed25519");
    temporary_file const file(first.private_pem());
    file.age();
    coauth::crypto::key_source tested(
        signing_key::pem_file(file.path.string()).key_id("1"), "the key");
    BOOST_TEST(thumbprint(tested) == first.thumbprint());
    BOOST_TEST(thumbprint(tested) == first.thumbprint());

    auto const now = std::chrono::steady_clock::now();
    file.write(second.private_pem().substr(0, 60));
    BOOST_TEST(thumbprint(tested, now) == first.thumbprint());
    BOOST_TEST(thumbprint(tested, now + 5min - 1s) == first.thumbprint());
    check_contains(thumbprint(tested, now + 5min), "the key '" + file.path.string() + "' holds");
    file.remove();
    check_contains(thumbprint(tested, now + 6min), file.path.string() + "' cannot be read");
    file.write(second.private_pem());
    BOOST_TEST(thumbprint(tested, now + 7min) == second.thumbprint());
    // A later failure has a grace period of its own.
    file.write("");
    BOOST_TEST(thumbprint(tested, now + 20min) == second.thumbprint());
}

// A server finds the new key by its id.
BOOST_AUTO_TEST_CASE(a_key_id_in_the_file_changes_with_the_key)
{
    auto const service_account = [](std::string const& id, test_key const& key)
    {
        std::string text;
        for (char const c : key.private_pem())
            text += c == '\n' ? "\\n" : std::string(1, c);
        return R"({"type":"service_account","private_key_id":")" + id + R"(","private_key":")" +
               text + "\"}";
    };
    test_key const first("P-256");
    test_key const second("P-256");
    temporary_file const file(service_account("1", first));
    file.age();
    coauth::crypto::key_source tested(signing_key::pem_file(file.path.string()), "the key");
    BOOST_TEST(thumbprint(tested) == first.thumbprint());
    BOOST_TEST((*tested.current())->key_id() == "1");
    file.write(service_account("2", second));
    BOOST_TEST(thumbprint(tested) == second.thumbprint());
    BOOST_TEST((*tested.current())->key_id() == "2");
    // What the program says takes precedence.
    coauth::crypto::key_source named(
        signing_key::pem_file(file.path.string()).key_id("mine"), "the key");
    BOOST_TEST((*named.current())->key_id() == "mine");
}

BOOST_AUTO_TEST_CASE(a_key_that_was_unusable_at_first_is_used_when_it_can_be)
{
    test_key const key("P-256");
    temporary_file const file;
    coauth::crypto::key_source tested(signing_key::pem_file(file.path.string()), "the key");
    check_contains(thumbprint(tested), "cannot be read");
    file.write(key.private_pem());
    BOOST_TEST(thumbprint(tested) == key.thumbprint());
}

BOOST_AUTO_TEST_CASE(key_and_certificate_may_be_replaced_one_after_the_other)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    temporary_file const key_file(first.key.private_pem());
    temporary_file const certificate_file(first.certificate_pem);
    key_file.age();
    certificate_file.age();
    coauth::crypto::key_source tested(
        signing_key::pem_file(key_file.path.string())
            .certificate_file(certificate_file.path.string()),
        "the key");
    auto const certificate = [&]
    {
        auto const key = tested.current();
        BOOST_TEST_REQUIRE(outcome(key) == "success");
        return (*key)->certificate_thumbprint();
    };
    BOOST_TEST(certificate() == first.thumbprint);
    certificate_file.write(second.certificate_pem);
    BOOST_TEST(certificate() == first.thumbprint);
    key_file.write(second.key.private_pem());
    BOOST_TEST(certificate() == second.thumbprint);
    BOOST_TEST(thumbprint(tested) == second.key.thumbprint());
}

// As Windows PowerShell redirects output.
BOOST_AUTO_TEST_CASE(a_file_in_utf_16_is_read)
{
    test_key const key("P-256");
    std::string utf16 = "\xFF\xFE";
    for (char const c : key.private_pem())
        utf16 += {c, '\0'};
    temporary_file const file(utf16);
    coauth::crypto::key_source tested(signing_key::pem_file(file.path.string()), "the key");
    BOOST_TEST(thumbprint(tested) == key.thumbprint());
}

BOOST_AUTO_TEST_CASE(an_old_file_is_not_read_again)
{
    test_key const key("P-256");
    unsigned calls = 0;
    auto const phrase = [&]
    {
        ++calls;
        return coauth::result<coauth::secret>(coauth::secret("open-sesame"));
    };
    temporary_file const file(key.encrypted_pem("open-sesame"));
    file.age();
    coauth::crypto::key_source tested(signing_key::pem_file(file.path.string(), phrase), "the key");
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(thumbprint(tested) == key.thumbprint());
    BOOST_TEST(calls == 1U);
    // Text is not read again.
    auto const pem = key.encrypted_pem("open-sesame");
    coauth::crypto::key_source text(
        signing_key::pem(coauth::secret(std::string_view(pem)), phrase), "the key");
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(thumbprint(text) == key.thumbprint());
    BOOST_TEST(calls == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
