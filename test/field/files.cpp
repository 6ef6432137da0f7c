// Files that are replaced while the program runs: CAs, revocation lists, certificates and keys.

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

using namespace test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(files)

using coauth::client_authentication;

namespace
{

// A file as it is mounted from a Kubernetes secret: "file" leads to "..data/file", and "..data" to
// the directory of one version.
class mounted_file
{
public:
    mounted_file() : root_("mounted." + std::to_string(::getpid()))
    {
        fs::create_directory(root_);
        fs::create_symlink("..data/file", root_ / "file");
    }
    ~mounted_file() { fs::remove_all(root_); }
    mounted_file(mounted_file const&) = delete;
    mounted_file& operator=(mounted_file const&) = delete;

    void write(std::string const& text)
    {
        auto const version = "..version" + std::to_string(++versions_);
        fs::create_directory(root_ / version);
        std::ofstream(root_ / version / "file") << text;
        fs::create_symlink(version, root_ / "..data_tmp");
        fs::rename(root_ / "..data_tmp", root_ / "..data");
        if (versions_ > 1)
            fs::remove_all(root_ / ("..version" + std::to_string(versions_ - 1)));
    }
    [[nodiscard]] std::string path() const { return (root_ / "file").string(); }

private:
    fs::path root_;
    int versions_ = 0;
};

// In place, so that a part of the text may be seen.
void overwrite(scratch_file const& file, std::string const& text)
{
    std::ofstream(file.path()) << text;
}

coauth::client_config trusting(authorization_server const& server, std::string const& ca_file)
{
    auto config = single_attempt(server);
    config.tls.ca_pem.clear();
    config.tls.ca_file = ca_file;
    return config;
}

void check_contains(std::string const& text, std::string const& part)
{
    BOOST_TEST((text.find(part) != std::string::npos), text << " lacks " << part);
}

} // namespace

BOOST_AUTO_TEST_CASE(new_cas_are_used_by_the_next_request)
{
    auto const first = start();
    auto const second = start();
    scratch_file const plain("field_ca");
    mounted_file mounted;
    struct row
    {
        char const* name;
        std::string path;
        std::function<void(std::string const&)> write;
    };
    for (auto const& [name, path, write] :
         {row{"renamed", plain.path(), [&](auto& text) { plain.write(text); }},
          row{"written in place", plain.path(), [&](auto& text) { overwrite(plain, text); }},
          row{"a symbolic link above it is swapped", mounted.path(),
              [&](auto& text) { mounted.write(text); }}})
        BOOST_TEST_CONTEXT(name)
        {
            write(first.ca_pem());
            client_fixture of_first(trusting(first, path));
            client_fixture of_second(trusting(second, path));
            auto const opened = first.connections();
            BOOST_TEST(outcome(of_first.fetch()) == "success");
            BOOST_TEST(outcome(of_first.fetch()) == "success");
            BOOST_TEST(first.connections() == opened + 1);
            BOOST_TEST(outcome(of_second.fetch()) == "certificate_verify_failed");

            // Neither the idle connection nor the session is used again.
            write(second.ca_pem());
            auto const requests = first.requests().size();
            BOOST_TEST(outcome(of_first.fetch()) == "certificate_verify_failed");
            BOOST_TEST(first.requests().size() == requests);
            BOOST_TEST(first.resumed() == 0U);
            BOOST_TEST(outcome(of_second.fetch()) == "success");

            write(first.ca_pem() + second.ca_pem());
            BOOST_TEST(outcome(of_first.fetch()) == "success");
            BOOST_TEST(outcome(of_second.fetch()) == "success");
        }
}

BOOST_AUTO_TEST_CASE(the_same_cas_written_anew_change_nothing)
{
    auto const server = start();
    scratch_file const ca("field_ca", server.ca_pem());
    client_fixture kept(trusting(server, ca.path()));
    for (int i = 0; i < 3; ++i)
    {
        BOOST_TEST(outcome(kept.fetch()) == "success");
        ca.write(server.ca_pem());
    }
    BOOST_TEST(server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(a_broken_file_does_not_replace_a_good_one)
{
    auto const server = start();
    auto const other = start();
    auto const good = server.ca_pem();
    scratch_file const ca("field_ca");
    auto config = trusting(server, ca.path());
    // A new connection each time.
    config.connections.idle_timeout = 0ms;
    struct row
    {
        char const* name;
        std::function<void()> change;
    };
    for (auto const& [name, change] :
         {row{"gone", [&] { fs::remove(ca.path()); }}, row{"empty", [&] { overwrite(ca, ""); }},
          row{"half written", [&] { overwrite(ca, good.substr(0, good.size() / 2)); }},
          row{"not even PEM", [&] { overwrite(ca, "503 Service Unavailable"); }},
          row{"a directory",
              [&]
              {
                  fs::remove(ca.path());
                  fs::create_directory(ca.path());
              }},
          row{"a dangling link", [&]
              {
                  fs::remove(ca.path());
                  fs::create_symlink("nowhere", ca.path());
              }}})
        BOOST_TEST_CONTEXT(name)
        {
            ca.write(good);
            client_fixture kept(config);
            BOOST_TEST(outcome(kept.fetch()) == "success");
            change();
            BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(outcome(kept.fetch()) == "success");
            fs::remove(ca.path());
            ca.write(other.ca_pem());
            BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
            ca.write(good);
            BOOST_TEST(outcome(kept.fetch()) == "success");
        }
}

BOOST_AUTO_TEST_CASE(a_running_request_finishes_with_the_old_cas)
{
    auto server = start();
    auto const other = start();
    scratch_file const ca("field_ca", server.ca_pem());
    client_fixture kept(trusting(server, ca.path()));
    auto late = response::json(200, token_body);
    late.delay = 200ms;
    server.push_response(late);
    std::thread deployment(
        [&]
        {
            (void)server.wait_for_requests(1);
            ca.write(other.ca_pem());
        });
    BOOST_TEST(outcome(kept.fetch()) == "success");
    deployment.join();
    BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
}

BOOST_AUTO_TEST_CASE(a_revocation_list_is_used_by_the_next_request)
{
    auto const server = start();
    auto const other = start();
    scratch_file const lists("field_crl", server.crl_pem(false));
    auto config = single_attempt(server);
    config.tls.crl_file = lists.path();
    client_fixture kept(config);
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 1U);

    lists.write(server.crl_pem(true));
    auto const refused = kept.fetch();
    BOOST_TEST(outcome(refused) == "certificate_verify_failed");
    BOOST_REQUIRE(!refused);
    check_contains(refused.error().message(), "revoked");
    BOOST_TEST(server.requests().size() == 2U);
    BOOST_TEST(server.resumed() == 0U);

    overwrite(lists, server.crl_pem(false).substr(0, 100));
    BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
    lists.write(server.crl_pem(false));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    lists.write(other.crl_pem(false));
    BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
}

BOOST_AUTO_TEST_CASE(both_texts_and_files_count)
{
    auto const server = start();
    auto const other = start();
    scratch_file const lists("field_crl", server.crl_pem(false));
    scratch_file const ca("field_ca", server.ca_pem());
    struct row
    {
        char const* name;
        std::function<void(coauth::tls_options&)> change;
        char const* expected;
    };
    for (auto const& [name, change, expected] :
         {row{"the file covers it",
              [&](auto& tls)
              {
                  tls.crl_pem = other.crl_pem(false);
                  tls.crl_file = lists.path();
              },
              "success"},
          row{"a CA in the file, another in the text",
              [&](auto& tls)
              {
                  tls.ca_pem = other.ca_pem();
                  tls.ca_file = ca.path();
              },
              "success"},
          row{"PEM text for a path", [&](auto& tls) { tls.crl_file = server.crl_pem(false); },
              "invalid_configuration"},
          row{"certificates in a list are not trusted",
              [&](auto& tls)
              {
                  tls.ca_pem = other.ca_pem();
                  lists.write(server.crl_pem(false) + server.ca_pem());
                  tls.crl_file = lists.path();
              },
              "certificate_verify_failed"}})
        BOOST_TEST_CONTEXT(name)
        {
            auto config = single_attempt(server);
            change(config.tls);
            BOOST_TEST(outcome(fetch(config)) == expected);
        }
}

// What SSL_CERT_FILE says, and revocation lists do not take the system's CAs away.
BOOST_AUTO_TEST_CASE(the_systems_trust_store_is_watched)
{
    auto const server = start();
    auto const other = start();
    scratch_file const bundle("field_bundle", server.ca_pem());
    auto config = single_attempt(server);
    config.tls = {};
    config.tls.crl_pem = server.crl_pem(false);
    ::setenv("SSL_CERT_FILE", bundle.path().c_str(), 1);
    ::setenv("SSL_CERT_DIR", "/nonexistent", 1);
    client_fixture kept(config);
    ::unsetenv("SSL_CERT_FILE");
    ::unsetenv("SSL_CERT_DIR");
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.connections() == 1U);
    bundle.write(other.ca_pem());
    BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
    overwrite(bundle, "");
    BOOST_TEST(outcome(kept.fetch()) == "certificate_verify_failed");
    bundle.write(server.ca_pem());
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(server.resumed() == 0U);
}

// The server has a certificate of the new CA, which is deployed late.
BOOST_AUTO_TEST_CASE(new_cas_end_a_back_off)
{
    auto const server = start();
    auto const other = start();
    scratch_file const ca("field_ca", other.ca_pem());
    client_fixture kept(trusting(server, ca.path()));
    coauth::token_source_options options;
    options.initial_back_off = 60s;
    options.max_back_off = 60s;
    coauth::token_source tokens(kept.client, {}, options);
    auto const get = [&]
    {
        std::string got;
        tokens.async_get_access_token([&](token_result const& r) { got = outcome(r); });
        kept.context.restart();
        kept.context.run();
        return got;
    };
    BOOST_TEST(get() == "certificate_verify_failed");
    auto const connections = server.connections();
    BOOST_TEST(get() == "certificate_verify_failed");
    BOOST_TEST(server.connections() == connections);
    ca.write(server.ca_pem());
    std::this_thread::sleep_for(1020ms);
    BOOST_TEST(get() == "success");
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_is_not_part_of_a_secret)
{
    auto const server = start();
    scratch_file const file("field_secret");
    struct row
    {
        std::string before;
        std::string expected;
    };
    for (auto const& [before, expected] :
         {row{"", "success"}, row{"\xEF\xBB\xBF", "success"},
          row{"\xFF\xFE", "invalid_configuration"}, row{"\xFE\xFF", "invalid_configuration"}})
    {
        file.write(before + client_secret + "\r\n");
        auto config = single_attempt(server);
        config.authentication = client_authentication::client_secret_basic(
            client_id, coauth::secret_from_file(file.path()));
        auto const got = fetch(config);
        BOOST_TEST(outcome(got) == expected);
        if (!got)
            check_contains(got.error().message(), file.path() + "' is UTF-16 text");
    }
}

BOOST_AUTO_TEST_SUITE_END()
