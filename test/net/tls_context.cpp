// What a client trusts, in files that are replaced while the program runs.

#include "fixture.hpp"
#include "net/tls_source.hpp"
#include "temporary_file.hpp"
#include "test_keys.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sys/stat.h>
#include <thread>

using namespace test;
namespace net = coauth::net;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(tls_context)

using source = net::tls_context_source;

namespace
{

std::string ca_text()
{
    return make_identity("a CA", nullptr, true).certificate_pem;
}

coauth::tls_options trusting(temporary_file const& file)
{
    coauth::tls_options options;
    options.ca_file = file.path.string();
    return options;
}

source::context_ptr current(source& tested)
{
    auto const got = tested.current();
    return got ? *got : nullptr;
}

// What a client of its own uses so much later; or null, and the message of the error.
source::context_ptr
current(net::tls_source& tested, std::chrono::minutes later, std::string* message = nullptr)
{
    auto const got = tested.current(net::tls_source::clock::now() + later);
    if (!got && message != nullptr)
        *message = got.error().message();
    return got ? got->context : nullptr;
}

void check_contains(std::string const& text, std::string const& part)
{
    BOOST_TEST((text.find(part) != std::string::npos), text << " lacks " << part);
}

// A variable of the environment until the end of the scope.
class variable
{
public:
    variable(char const* name, std::string const& value) : name_(name)
    {
        ::setenv(name, value.c_str(), 1);
    }
    ~variable() { ::unsetenv(name_); }
    variable(variable const&) = delete;
    variable& operator=(variable const&) = delete;

private:
    char const* name_;
};

// A directory of the test's own.
struct scratch_directory
{
    scratch_directory() { fs::create_directory(name.path); }
    ~scratch_directory() { fs::remove_all(name.path); }
    scratch_directory(scratch_directory const&) = delete;
    scratch_directory& operator=(scratch_directory const&) = delete;

    void write(char const* file, std::string const& text) const
    {
        std::ofstream(name.path / file) << text;
    }

    temporary_file name;
};

} // namespace

BOOST_AUTO_TEST_CASE(options_that_trust_the_same_share_what_was_read)
{
    coauth::tls_options const options{
        .ca_file = "a", .ca_pem = "b", .system_trust_store = true, .crl_pem = "c", .crl_file = "d"};
    auto const shared = source::find(options);
    auto same = options;
    same.certificate_file = "client";
    same.key_pem = coauth::secret("key");
    BOOST_TEST((source::find(same) == shared));
    for (auto const& change :
         std::vector<std::function<void(coauth::tls_options&)>>{
             [](auto& o) { o.ca_file = "other"; }, [](auto& o) { o.ca_pem = "other"; },
             [](auto& o) { o.system_trust_store = false; }, [](auto& o) { o.crl_pem = "other"; },
             [](auto& o) { o.crl_file = "other"; }, [](auto& o) { o.groups = "P-256"; },
             [](auto& o) { o.session_resumption = false; }})
    {
        auto other = options;
        change(other);
        BOOST_TEST((source::find(other) != shared));
    }
    // One that is in use is never forgotten.
    for (int i = 0; i < 40; ++i)
    {
        auto other = options;
        other.ca_file = "other " + std::to_string(i);
        (void)source::find(other);
    }
    BOOST_TEST((source::find(options) == shared));
}

BOOST_AUTO_TEST_CASE(a_change_is_noticed_whatever_its_kind)
{
    auto const first = ca_text();
    auto const second = ca_text();
    struct row
    {
        char const* name;
        std::function<void(temporary_file const&, std::string const&)> change;
    };
    for (bool const is_old : {true, false})
        for (auto const& [name, change] :
             std::vector<row>{
                 {"written", [](auto& file, auto& text) { file.write(text); }},
                 {"renamed", [](auto& file, auto& text) { file.replace(text); }},
                 {"removed and written",
                  [](auto& file, auto& text)
                  {
                      file.remove();
                      file.write(text);
                  }},
                 {"written by parts", [](auto& file, auto& text)
                  {
                      file.write(text.substr(0, 100));
                      std::ofstream(file.path, std::ios::app) << text.substr(100);
                  }}})
            BOOST_TEST_CONTEXT(name << (is_old ? ", an old file" : ", a new file"))
            {
                temporary_file const file(first);
                if (is_old)
                    file.age();
                source tested(trusting(file));
                auto const before = current(tested);
                BOOST_TEST_REQUIRE(before);
                BOOST_TEST((current(tested) == before));
                auto const generation = tested.generation();
                // The same text says the same.
                change(file, first);
                BOOST_TEST((current(tested) == before));
                BOOST_TEST(tested.generation() == generation);
                change(file, second);
                auto const after = current(tested);
                BOOST_TEST_REQUIRE(after);
                BOOST_TEST((after != before));
                BOOST_TEST(tested.generation() == generation + 1);
            }
}

BOOST_AUTO_TEST_CASE(unusable_files_are_reported_after_the_grace)
{
    auto const text = ca_text();
    struct row
    {
        char const* name;
        std::function<void(temporary_file const&)> change;
        char const* says;
    };
    for (auto const& [name, change, says] :
         std::vector<row>{
             {"missing", [](auto& file) { file.remove(); }, "' cannot be read"},
             {"empty", [](auto& file) { file.write(""); }, "' is empty"},
             {"half", [&](auto& file) { file.write(text.substr(0, text.size() / 2)); },
              "' is damaged at line 1"},
             {"no certificate", [](auto& file) { file.write("<html>"); },
              "' holds no PEM certificate"},
             {"UTF-16", [](auto& file) { file.write(std::string_view("\xFF\xFE-\0-\0", 6)); },
              "' is UTF-16 text; save it as UTF-8"}})
        BOOST_TEST_CONTEXT(name)
        {
            temporary_file const file(text);
            net::tls_source tested(trusting(file));
            auto const before = current(tested, 0min);
            change(file);
            std::string message;
            BOOST_TEST((current(tested, 0min) == before));
            BOOST_TEST((current(tested, 4min) == before));
            BOOST_TEST((current(tested, 6min, &message) == nullptr));
            check_contains(message, "tls.ca_file '" + file.path.string() + says);
            // A new client reports it at once.
            net::tls_source created_late(trusting(file));
            BOOST_TEST((current(created_late, 0min) == nullptr));
            file.write(ca_text());
            auto const after = current(tested, 6min, &message);
            BOOST_TEST((after && after != before), message);
            BOOST_TEST((current(created_late, 6min) == after));
            // The next failure has a grace of its own.
            file.remove();
            BOOST_TEST((current(tested, 20min) == after));
        }
}

BOOST_AUTO_TEST_CASE(what_was_unusable_at_first_is_used_when_it_can_be)
{
    temporary_file const file;
    source tested(trusting(file));
    BOOST_TEST((current(tested) == nullptr));
    check_contains(tested.current().error().message(), file.path.string());
    file.write(ca_text());
    BOOST_TEST(current(tested));
}

BOOST_AUTO_TEST_CASE(requests_share_a_look_at_the_files_for_as_long_as_they_say)
{
    temporary_file const file(ca_text());
    net::tls_source tested(trusting(file));
    auto const began = net::tls_source::clock::now();
    auto const old = tested.current(began);
    BOOST_TEST_REQUIRE(old.has_value());
    BOOST_TEST(tested.is_current(*old, 0ms, began));
    file.replace(ca_text());
    BOOST_TEST(tested.is_current(*old, 2ms, began + 1ms));
    BOOST_TEST(!tested.is_current(*old, 0ms, began + 1ms));
    // For those that share it, the last look counts.
    BOOST_TEST(!tested.is_current(*old, 2ms, began + 2ms));
    auto const renewed = tested.current(began);
    BOOST_TEST_REQUIRE(renewed.has_value());
    BOOST_TEST(tested.is_current(*renewed, 2ms, began + 2ms));
    file.replace(ca_text());
    BOOST_TEST(tested.is_current(*renewed, 2ms, began + 2999us));
    BOOST_TEST(!tested.is_current(*renewed, 2ms, began + 3ms));
}

// A second open of a pipe would wait for ever.
BOOST_AUTO_TEST_CASE(a_pipe_is_read_once)
{
    temporary_file const pipe;
    BOOST_TEST_REQUIRE(::mkfifo(pipe.path.c_str(), 0600) == 0);
    std::thread writer([&] { pipe.write(ca_text()); });
    source tested(trusting(pipe));
    auto const first = current(tested);
    writer.join();
    BOOST_TEST_REQUIRE(first);
    BOOST_TEST((current(tested) == first));
}

BOOST_AUTO_TEST_CASE(threads_agree_on_one_context)
{
    temporary_file const file(ca_text());
    file.age();
    source tested(trusting(file));
    auto const before = current(tested);
    file.replace(ca_text());
    file.age();
    std::vector<source::context_ptr> seen(8);
    std::vector<std::thread> threads;
    threads.reserve(seen.size());
    for (auto& one : seen)
        threads.emplace_back([&] { one = current(tested); });
    for (auto& one : threads)
        one.join();
    for (auto const& one : seen)
    {
        BOOST_TEST((one != before));
        BOOST_TEST((one == seen.front()));
    }
}

BOOST_AUTO_TEST_CASE(the_bundle_of_the_system_is_watched)
{
    temporary_file const bundle(ca_text());
    bundle.age();
    variable const file("SSL_CERT_FILE", bundle.path.string());
    variable const directory("SSL_CERT_DIR", "/nonexistent");
    source tested({});
    auto const before = current(tested);
    BOOST_TEST_REQUIRE(before);
    BOOST_TEST((current(tested) == before));
    bundle.replace(ca_text());
    bundle.age();
    auto const after = current(tested);
    BOOST_TEST((after && after != before));
    bundle.write(ca_text().substr(0, 100));
    check_contains(
        tested.current().error().message(),
        "the system's trust store '" + bundle.path.string() + "' is damaged");
    bundle.remove();
    check_contains(tested.current().error().message(), "this system has no trust store");
}

BOOST_AUTO_TEST_CASE(the_directory_of_the_system_is_watched)
{
    scratch_directory const certificates;
    auto const path = certificates.name.path;
    certificates.write("0a1b2c3d.0", ca_text());
    certificates.name.age();
    variable const file("SSL_CERT_FILE", "/nonexistent.pem");
    variable const directory("SSL_CERT_DIR", "/nonexistent:" + path.string());
    source tested({});
    auto const before = current(tested);
    BOOST_TEST_REQUIRE(before);
    BOOST_TEST((current(tested) == before));
    certificates.write("0a1b2c3e.0", ca_text());
    auto const more = current(tested);
    BOOST_TEST((more && more != before));
    // Touched, but with the same in it.
    certificates.name.age();
    BOOST_TEST((current(tested) == more));
    fs::remove(path / "0a1b2c3d.0");
    auto const fewer = current(tested);
    BOOST_TEST((fewer && fewer != more));
}

BOOST_AUTO_TEST_SUITE_END()
