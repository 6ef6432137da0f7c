// Client certificates: reading and replacing them.

#include "net/client_certificate.hpp"

#include "support.hpp"
#include "temporary_file.hpp"
#include "test_keys.hpp"

#include <openssl/ssl.h>

using namespace test;
namespace net = coauth::net;

BOOST_AUTO_TEST_SUITE(client_certificate)

using coauth::secret;
using coauth::tls_options;

namespace
{

constexpr char const* phrase = "open-sesame";

std::shared_ptr<net::client_certificate> loaded(tls_options const& options)
{
    auto const made = std::make_shared<net::client_certificate>(options);
    auto const got = made->current();
    BOOST_TEST_REQUIRE(outcome(got) == "success");
    BOOST_TEST_REQUIRE(*got);
    return made;
}

// Identifies a certificate of the tests.
std::string thumbprint_of(net::client_certificate& tested)
{
    return base64url((*tested.current())->fingerprint());
}

std::string subject_of(X509* certificate)
{
    std::array<char, 80> name{};
    X509_NAME_get_text_by_NID(
        X509_get_subject_name(certificate), NID_commonName, name.data(),
        static_cast<int>(name.size()));
    return name.data();
}

// The subjects of the certificates that a connection would send, the client's own first.
std::vector<std::string> shown_by(net::client_certificate& tested)
{
    std::shared_ptr<SSL_CTX> const context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    std::shared_ptr<SSL> const connection(SSL_new(context.get()), SSL_free);
    BOOST_TEST_REQUIRE((*tested.current())->use_for(connection.get()).has_value());
    BOOST_TEST(SSL_check_private_key(connection.get()) == 1);
    std::vector<std::string> names = {subject_of(SSL_get_certificate(connection.get()))};
    STACK_OF(X509)* others = nullptr;
    SSL_get0_chain_certs(connection.get(), &others);
    for (int i = 0; i < sk_X509_num(others); ++i)
        names.push_back(subject_of(sk_X509_value(others, i)));
    return names;
}

coauth::secret_provider saying(char const* text)
{
    return [text] { return secret(text); };
}

secret text_of_key(identity const& of)
{
    return {of.key.private_pem()};
}

std::string cut(std::string const& text)
{
    return text.substr(0, text.size() / 2);
}

// A certificate and its key in two files.
struct files
{
    temporary_file certificate;
    temporary_file key;

    explicit files(identity const& first)
    {
        certificate.write(first.certificate_pem);
        key.write(first.key.private_pem());
    }
    [[nodiscard]] tls_options options() const
    {
        tls_options result;
        result.certificate_file = certificate.path.string();
        result.key_file = key.path.string();
        return result;
    }
    void age() const
    {
        certificate.age();
        key.age();
    }
};

void check_refused(tls_options const& options, std::string_view says)
{
    auto const got = net::client_certificate(options).current();
    BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
    auto const message = got.error().message();
    check_contains(message, says);
    check_lacks(message, phrase);
    check_lacks(message, "PRIVATE KEY-----\n");
}

} // namespace

BOOST_AUTO_TEST_CASE(no_certificate_is_loaded_if_none_is_configured)
{
    auto const got = net::client_certificate({}).current();
    BOOST_TEST_REQUIRE(outcome(got) == "success");
    BOOST_TEST(!*got);
}

BOOST_AUTO_TEST_CASE(certificate_and_key_may_be_in_one_file_two_files_or_memory)
{
    auto const known = make_identity("client");
    auto const& certificate = known.certificate_pem;
    auto const key = known.key.private_pem();
    temporary_file const both(certificate + key);
    temporary_file const both_reversed(key + certificate);
    files const apart(known);
    struct row
    {
        char const* name;
        std::function<void(tls_options&)> set;
    };
    for (auto const& row :
         std::vector<row>{
             {"one file", [&](tls_options& o) { o.certificate_file = both.path.string(); }},
             {"one file, the key first",
              [&](tls_options& o) { o.certificate_file = both_reversed.path.string(); }},
             {"two files", [&](tls_options& o) { o = apart.options(); }},
             {"one text", [&](tls_options& o) { o.certificate_pem = certificate + key; }},
             {"two texts",
              [&](tls_options& o)
              {
                  o.certificate_pem = certificate;
                  o.key_pem = text_of_key(known);
              }},
             {"a file and a text",
              [&](tls_options& o)
              {
                  o.certificate_file = apart.certificate.path.string();
                  o.key_pem = text_of_key(known);
              }},
             {"a text and a file", [&](tls_options& o)
              {
                  o.certificate_pem = certificate;
                  o.key_file = apart.key.path.string();
              }}})
        BOOST_TEST_CONTEXT(row.name)
        {
            tls_options options;
            row.set(options);
            auto const tested = loaded(options);
            BOOST_TEST(thumbprint_of(*tested) == known.thumbprint);
            BOOST_TEST(shown_by(*tested) == std::vector<std::string>{"client"});
        }
}

BOOST_AUTO_TEST_CASE(the_certificate_chain_keeps_its_order)
{
    auto const root = make_identity("root", nullptr, true);
    auto const between = make_identity("between", &root, true);
    auto const known = make_identity("client", &between);
    tls_options options;
    options.certificate_pem = known.certificate_pem + between.certificate_pem +
                              known.key.private_pem() + root.certificate_pem;
    std::vector<std::string> const in_order = {"client", "between", "root"};
    BOOST_TEST(shown_by(*loaded(options)) == in_order);
}

BOOST_AUTO_TEST_CASE(unusable_certificates_and_keys_are_errors)
{
    auto const known = make_identity("client");
    auto const other = make_identity("client");
    struct row
    {
        char const* name;
        std::string certificate;
        std::string key;
        char const* says;
    };
    auto const key = known.key.private_pem();
    for (auto const& row : std::vector<row>{
             {"another's key", known.certificate_pem, other.key.private_pem(),
              "tls.key_pem is not the key of the certificate in tls.certificate_pem"},
             {"the CA first", other.certificate_pem + known.certificate_pem, key,
              "is not the key of the certificate"},
             {"expired", make_identity("client", nullptr, false, -60).certificate_pem, key,
              "tls.certificate_pem has expired; give the one that replaced it"},
             {"of tomorrow",
              make_identity("client", nullptr, false, 2 * 86'400, 86'400).certificate_pem, key,
              "tls.certificate_pem is not valid yet; check the clock"},
             {"no certificate", known.key.public_pem(), key,
              "holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----"},
             {"half a certificate", cut(known.certificate_pem), key,
              "tls.certificate_pem is damaged at line 1: the block that begins there does not end"},
             {"half a chain", known.certificate_pem + cut(other.certificate_pem), key,
              "the block that begins there does not end; give the whole file"},
             {"no key", known.certificate_pem, "",
              "tls.certificate_pem holds only a public key or a certificate; give the private key"},
             {"half a key", known.certificate_pem, cut(key),
              "tls.key_pem holds a private key that cannot be read; give the whole of it"},
             {"zeros", known.certificate_pem, std::string(1000, '\0'),
              "tls.key_pem holds no PEM private key"}})
        BOOST_TEST_CONTEXT(row.name)
        {
            tls_options options;
            options.certificate_pem = row.certificate;
            options.key_pem = secret(std::string_view(row.key));
            check_refused(options, row.says);
        }
}

// As in variables of the environment, JSON, YAML, and files of Windows.
BOOST_AUTO_TEST_CASE(certificates_are_read_as_people_paste_them)
{
    auto const leaf = make_identity("client");
    auto const ca = make_identity("a CA", nullptr, true);
    auto const chain = leaf.certificate_pem + ca.certificate_pem;
    auto const replaced = [&](std::string const& with)
    {
        std::string text;
        for (char const c : chain)
            text += c == '\n' ? with : std::string(1, c);
        return text;
    };
    auto glued = chain;
    glued.erase(glued.find("\n-----BEGIN", 1), 1);
    std::string utf16 = "\xff\xfe";
    for (char const c : chain)
        utf16.append(1, c).append(1, '\0');
    for (auto const& [name, text] :
         {std::pair{"plain", chain},
          {"escaped", replaced("\\n")},
          {"indented", "  " + replaced("\n    ")},
          {"of Windows", "\xef\xbb\xbf" + replaced("\r\n")},
          {"glued", glued},
          {"UTF-16", utf16},
          {"with its key", leaf.key.private_pem() + chain}})
        BOOST_TEST_CONTEXT(name)
        {
            tls_options options;
            options.certificate_pem = text;
            options.key_pem = secret(std::string_view(leaf.key.private_pem()));
            auto const got = loaded(options);
            BOOST_TEST(shown_by(*got).size() == 2U);
        }
}

BOOST_AUTO_TEST_CASE(unreadable_files_are_named_in_the_error)
{
    auto const known = make_identity("client");
    temporary_file const nowhere;
    temporary_file const empty(" ");
    std::string const padding(std::size_t(1024) * 1024 + 16 - known.certificate_pem.size(), '\n');
    temporary_file const large(known.certificate_pem + padding);
    empty.write("");
    files const good(known);
    struct row
    {
        temporary_file const& file;
        char const* says;
    };
    for (auto const& [file, says] :
         {row{nowhere, "cannot be read; give the path of a PEM file"},
          row{empty, "is empty; give the path of a PEM file"},
          row{large,
              "has 1048592 bytes; it may have at most 1048576; give the path of a PEM file"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto const path = file.path.string();
            auto options = good.options();
            options.certificate_file = path;
            check_refused(options, "tls.certificate_file '" + path + "' " + says);
            options = good.options();
            options.key_file = path;
            check_refused(options, "tls.key_file '" + path + "' " + says);
        }
}

BOOST_AUTO_TEST_CASE(an_encrypted_key_needs_its_pass_phrase)
{
    auto const known = make_identity("client");
    struct row
    {
        char const* name;
        coauth::secret_provider phrase;
        // Empty: the key is opened.
        std::string says;
    };
    for (auto const& row :
         std::vector<row>{
             {"right", saying(phrase), ""},
             {"none", {}, "tls.key_pem is encrypted; give tls.key_passphrase"},
             {"wrong", saying("wrong-sesame"),
              "tls.key_pem cannot be decrypted with the pass-phrase; check tls.key_passphrase"},
             {"not to be had",
              [] { return coauth::result<secret>(coauth::error(coauth::errc::connect_failed)); },
              "tls.key_pem: the pass-phrase cannot be obtained: "}})
        BOOST_TEST_CONTEXT(row.name)
        {
            tls_options options;
            options.certificate_pem = known.certificate_pem;
            options.key_pem = secret(known.key.encrypted_pem(phrase));
            options.key_passphrase = row.phrase;
            if (row.says.empty())
                BOOST_TEST(thumbprint_of(*loaded(options)) == known.thumbprint);
            else
                check_refused(options, row.says);
        }
}

BOOST_AUTO_TEST_CASE(replaced_certificate_files_are_loaded)
{
    auto const first = make_identity("first");
    auto const second = make_identity("second");
    struct row
    {
        char const* name;
        void (temporary_file::*change)(std::string_view) const;
    };
    for (auto const& [name, change] :
         {row{"renamed", &temporary_file::replace}, row{"written", &temporary_file::write}})
        for (bool const old : {false, true})
            BOOST_TEST_CONTEXT(name << (old ? " over old files" : ""))
            {
                files const both(first);
                if (old)
                    both.age();
                auto const tested = loaded(both.options());
                BOOST_TEST(thumbprint_of(*tested) == first.thumbprint);
                // The old pair stays in use until the key is replaced too.
                (both.certificate.*change)(second.certificate_pem);
                BOOST_TEST(thumbprint_of(*tested) == first.thumbprint);
                (both.key.*change)(second.key.private_pem());
                BOOST_TEST(thumbprint_of(*tested) == second.thumbprint);
                BOOST_TEST(shown_by(*tested) == std::vector<std::string>{"second"});
            }
}

BOOST_AUTO_TEST_CASE(one_replaced_file_of_certificate_and_key_is_loaded)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    temporary_file const both(first.certificate_pem + first.key.private_pem());
    both.age();
    tls_options options;
    options.certificate_file = both.path.string();
    auto const tested = loaded(options);
    both.replace(second.certificate_pem + second.key.private_pem());
    BOOST_TEST(thumbprint_of(*tested) == second.thumbprint);
}

BOOST_AUTO_TEST_CASE(the_old_certificate_stays_until_the_new_one_is_complete)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    auto const expired = make_identity("client", nullptr, false, -60);
    files const both(first);
    both.age();
    auto const tested = loaded(both.options());
    struct row
    {
        char const* name;
        std::function<void()> change;
    };
    for (auto const& row :
         std::vector<row>{
             {"half written", [&] { both.certificate.write(cut(second.certificate_pem)); }},
             {"empty", [&] { both.certificate.write(""); }},
             {"without its key", [&] { both.certificate.write(second.certificate_pem); }},
             {"half a key", [&] { both.key.write(cut(second.key.private_pem())); }},
             {"no key", [&] { both.key.remove(); }},
             {"nothing", [&] { both.certificate.remove(); }},
             {"expired", [&]
              {
                  both.certificate.write(expired.certificate_pem);
                  both.key.write(expired.key.private_pem());
              }}})
        BOOST_TEST_CONTEXT(row.name)
        {
            row.change();
            BOOST_TEST(thumbprint_of(*tested) == first.thumbprint);
            BOOST_TEST(thumbprint_of(*tested) == first.thumbprint);
        }
    both.certificate.write(second.certificate_pem);
    both.key.write(second.key.private_pem());
    BOOST_TEST(thumbprint_of(*tested) == second.thumbprint);
}

BOOST_AUTO_TEST_CASE(files_that_stay_unusable_are_reported)
{
    files const both(make_identity("client"));
    auto const tested = loaded(both.options());
    both.certificate.write(make_identity("client").certificate_pem);
    auto const now = std::chrono::steady_clock::now();
    BOOST_TEST(outcome(tested->current(now)) == "success");
    BOOST_TEST(outcome(tested->current(now + 5min - 1s)) == "success");
    auto const got = tested->current(now + 5min);
    BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
    check_contains(got.error().message(), both.key.path.string() + "' is not the key of");
    check_contains(got.error().message(), both.certificate.path.string());
}

// The clock of a file system has ticks of milliseconds, so two versions may have the same time.
BOOST_AUTO_TEST_CASE(a_file_that_is_replaced_within_a_clock_tick_is_loaded)
{
    auto const first = make_identity("client");
    auto second = make_identity("client");
    // ECDSA signatures differ in length.
    while (second.certificate_pem.size() != first.certificate_pem.size())
        second = make_identity("client");
    temporary_file const both(first.certificate_pem + first.key.private_pem());
    tls_options options;
    options.certificate_file = both.path.string();
    auto const tested = loaded(options);
    both.write_at_once(second.certificate_pem + second.key.private_pem());
    BOOST_TEST(thumbprint_of(*tested) == second.thumbprint);
}

// The times of the files are read before their content, so that a change in between is noticed
// later.
BOOST_AUTO_TEST_CASE(a_file_that_is_replaced_while_it_is_read_is_loaded_again)
{
    auto const first = make_identity("client");
    auto const second = make_identity("client");
    files const both(first);
    both.key.write(first.key.encrypted_pem(phrase));
    both.age();
    auto options = both.options();
    options.key_passphrase = [&]
    {
        both.certificate.replace(second.certificate_pem);
        both.key.replace(second.key.private_pem());
        both.age();
        return secret(phrase);
    };
    auto const tested = loaded(options);
    BOOST_TEST(thumbprint_of(*tested) == second.thumbprint);
}

BOOST_AUTO_TEST_CASE(unchanged_certificate_files_are_not_read_again)
{
    auto const known = make_identity("client");
    files const both(known);
    both.key.write(known.key.encrypted_pem(phrase));
    both.age();
    int calls = 0;
    auto options = both.options();
    options.key_passphrase = [&]
    {
        ++calls;
        return secret(phrase);
    };
    auto const tested = loaded(options);
    auto const once = calls;
    BOOST_TEST(tested->current().value() == tested->current().value());
    BOOST_TEST(calls == once);
    both.key.replace(known.key.encrypted_pem(phrase));
    both.age();
    (void)tested->current();
    BOOST_TEST(calls > once);
    auto const twice = calls;
    (void)tested->current();
    BOOST_TEST(calls == twice);
}

BOOST_AUTO_TEST_CASE(the_key_may_be_named_by_a_uri)
{
    auto const known = make_identity("client");
    temporary_file const plain(known.key.private_pem());
    temporary_file const encrypted(known.key.encrypted_pem(phrase));
    tls_options options;
    options.certificate_pem = known.certificate_pem;
    for (std::string const& uri :
         {"file:" + plain.path.string(), "file://" + plain.path.string(),
          "file:" + encrypted.path.string()})
        BOOST_TEST_CONTEXT(uri)
        {
            options.key_uri = uri;
            options.key_passphrase = saying(phrase);
            BOOST_TEST(shown_by(*loaded(options)) == std::vector<std::string>{"client"});
        }
    options.key_passphrase = nullptr;
    check_refused(options, "needs a pass-phrase or PIN; give tls.key_passphrase");
    options.key_passphrase = saying("wrong");
    check_refused(options, "cannot be read with the pass-phrase or PIN; check tls.key_passphrase");
    options.key_uri = "file:" + plain.path.string() + ".none";
    check_refused(options, "names no private key that OpenSSL can read; check the URI");
    options.key_uri = "nowhere:object=a?pin-value=hush";
    check_refused(
        options, "tls.key_uri 'nowhere:object=a': OpenSSL has no provider for 'nowhere:'");
    temporary_file const other(make_identity("other").key.private_pem());
    options.key_uri = "file:" + other.path.string();
    check_refused(options, "is not the key of the certificate in tls.certificate_pem");
    // It is watched as a file is.
    auto const tested = std::make_shared<net::client_certificate>(options);
    BOOST_TEST(!tested->current());
    other.write(known.key.private_pem());
    BOOST_TEST(outcome(tested->current()) == "success");
}

BOOST_AUTO_TEST_SUITE_END()
