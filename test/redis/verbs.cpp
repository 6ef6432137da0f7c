// The verbs of the store at a real server: what each does, and what it leaves alone.

#include "store_fixture.hpp"

#include <thread>

using namespace test;

namespace
{

constexpr char const* digest = "0123456789abcdef";

struct verb_fixture
{
    redis_process server;
    store_fixture store{server.options()};

    std::string stat(std::string const& of_command, std::string const& field = "calls") const
    {
        auto const all = server.command({"INFO", "commandstats"});
        auto const begin = all.find("cmdstat_" + of_command + ":");
        if (begin == all.npos)
            return "0";
        auto const digits = all.find(field + "=", begin) + field.size() + 1;
        return all.substr(digits, all.find(',', digits) - digits);
    }
};

std::string with_digest(std::string const& rest)
{
    return digest + rest;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(redis_verbs, verb_fixture)

BOOST_AUTO_TEST_CASE(a_name_without_a_record_is_empty)
{
    auto const found = store.load("a");
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(found->record.empty());
    BOOST_TEST(found->remaining.count() == 0);
    BOOST_TEST(!found->claimed);
}

BOOST_AUTO_TEST_CASE(a_published_record_is_loaded_with_its_remaining_time)
{
    std::string const record("\0\r\n$5\xFF any bytes", 16);
    BOOST_TEST(store.text(store.claim("a", "me")) == "true");
    BOOST_TEST(store.load("a")->claimed);
    BOOST_TEST(store.text(store.publish("a", "me", record, 60s)) == "true");
    auto const found = store.load("a");
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(found->record == record);
    BOOST_TEST(found->remaining <= 60s);
    BOOST_TEST(found->remaining > 30s);
    BOOST_TEST(!found->claimed);
    BOOST_TEST(store.text(store.load("b")) == "none");
}

BOOST_AUTO_TEST_CASE(the_largest_record_is_loaded)
{
    std::string const record(std::size_t(64) * 1024, '\xA5');
    store.put("a", record);
    auto const found = store.load("a");
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST((found->record == record));
}

BOOST_AUTO_TEST_CASE(a_claim_is_held_by_one_until_its_lease_ends)
{
    BOOST_TEST(store.text(store.claim("a", "me", 60ms)) == "true");
    BOOST_TEST(store.text(store.claim("b", "you")) == "true");
    // The time that a busy machine needs may exceed the first lease.
    BOOST_TEST(store.text(store.claim("b", "me")) == "false");
    BOOST_TEST(store.text(store.claim("b", "you")) == "false");
    std::this_thread::sleep_for(80ms);
    BOOST_TEST(store.text(store.claim("a", "you")) == "true");
}

BOOST_AUTO_TEST_CASE(only_its_owner_renews_a_claim)
{
    store.claim("a", "me", 5s);
    BOOST_TEST(store.text(store.renew("a", "you", 60s)) == "false");
    BOOST_TEST(std::stoi(server.command({"PTTL", "coauth:{a}:claim"})) <= 5'000);
    BOOST_TEST(store.text(store.renew("a", "me", 60s)) == "true");
    BOOST_TEST(std::stoi(server.command({"PTTL", "coauth:{a}:claim"})) > 5'000);
    BOOST_TEST(store.text(store.renew("b", "me", 60s)) == "false");
}

BOOST_AUTO_TEST_CASE(only_the_owner_of_the_claim_publishes)
{
    store.put("a", "old");
    BOOST_TEST(store.text(store.publish("a", "me", "new")) == "false");
    store.claim("a", "me");
    BOOST_TEST(store.text(store.publish("a", "you", "new")) == "false");
    BOOST_TEST(store.text(store.load("a")) == "old");
    BOOST_TEST(store.text(store.publish("a", "me", "new")) == "true");
    BOOST_TEST(store.text(store.load("a")) == "new");
}

BOOST_AUTO_TEST_CASE(only_its_owner_releases_a_claim)
{
    store.claim("a", "me");
    BOOST_TEST(store.text(store.release("a", "you")) == "false");
    BOOST_TEST(store.text(store.claim("a", "you")) == "false");
    BOOST_TEST(store.text(store.release("a", "me")) == "true");
    BOOST_TEST(store.text(store.claim("a", "you")) == "true");
}

BOOST_AUTO_TEST_CASE(a_record_is_removed_only_if_it_has_the_digest)
{
    store.put("a", with_digest(" record"));
    BOOST_TEST(store.text(store.remove_if("a", "fedcba9876543210")) == "false");
    BOOST_TEST(store.text(store.load("a")) == with_digest(" record"));
    BOOST_TEST(store.text(store.remove_if("a", digest)) == "true");
    BOOST_TEST(store.text(store.load("a")) == "none");
    BOOST_TEST(store.text(store.remove_if("a", digest)) == "false");
}

BOOST_AUTO_TEST_CASE(a_record_without_an_end_counts_as_none)
{
    store.put("a", "record");
    server.command({"PERSIST", "coauth:{a}"});
    BOOST_TEST(store.text(store.load("a")) == "none");
}

BOOST_AUTO_TEST_CASE(a_key_of_another_type_is_an_error)
{
    server.command({"LPUSH", "coauth:{a}", "x"});
    auto const found = store.load("a");
    BOOST_TEST_REQUIRE(found.has_error());
    BOOST_TEST((found.error() == coauth::errc::server_error));
    BOOST_TEST(found.error().message().find("WRONGTYPE") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(times_beyond_those_of_the_server_are_bounded)
{
    BOOST_TEST(store.text(store.claim("a", "me", std::chrono::milliseconds::max())) == "true");
    BOOST_TEST(
        store.text(store.publish("a", "me", "record", std::chrono::milliseconds::max())) == "true");
    BOOST_TEST(store.text(store.load("a")) == "record");
    BOOST_TEST(store.text(store.claim("b", "me", -5ms)) == "true");
}

BOOST_AUTO_TEST_CASE(a_script_is_sent_once)
{
    for (int i = 0; i < 3; ++i)
    {
        store.put("a", with_digest(""));
        store.claim("a", "me");
        store.renew("a", "me");
        store.release("a", "me");
        store.remove_if("a", digest);
    }
    // The scripts of publish, renew, release and remove_if: the server knows them by the digest.
    BOOST_TEST(stat("eval") == "4");
    BOOST_TEST(stat("evalsha") == std::to_string(3 * 4));
    server.command({"SCRIPT", "FLUSH"});
    store.put("a", with_digest(""));
    BOOST_TEST(stat("eval") == "5");
}

BOOST_AUTO_TEST_CASE(without_scripts_plain_commands_do)
{
    server.command({"ACL", "SETUSER", "coauth", "-eval", "-evalsha"});
    BOOST_TEST(store.text(store.claim("a", "me", 20s)) == "true");
    BOOST_TEST(store.text(store.claim("a", "you")) == "false");
    BOOST_TEST(store.text(store.renew("a", "me", 60s)) == "true");
    BOOST_TEST(store.text(store.renew("a", "you", 60s)) == "false");
    BOOST_TEST(std::stoi(server.command({"PTTL", "coauth:{a}:claim"})) <= 20'000);
    BOOST_TEST(store.text(store.publish("a", "you", with_digest("new"))) == "true");
    BOOST_TEST(store.text(store.load("a")) == with_digest("new"));
    BOOST_TEST(store.text(store.release("a", "me")) == "false");
    BOOST_TEST(store.text(store.remove_if("a", digest)) == "false");
    BOOST_TEST(store.load("a")->claimed);
    // Asked about once for each connection.
    BOOST_TEST(stat("evalsha", "rejected_calls") == "1");
    server.command({"ACL", "SETUSER", "coauth", "+eval", "+evalsha"});
    server.command({"CLIENT", "KILL", "USER", "coauth"});
    BOOST_TEST(store.load("a")->claimed);
    BOOST_TEST(store.text(store.release("a", "me")) == "true");
}

BOOST_AUTO_TEST_CASE(what_the_acl_forbids_is_an_error_that_says_so)
{
    server.command({"ACL", "SETUSER", "coauth", "-pttl"});
    auto const found = store.load("a");
    BOOST_TEST_REQUIRE(found.has_error());
    BOOST_TEST((found.error() == coauth::errc::access_denied));
    BOOST_TEST(found.error().message().find("NOPERM") != std::string::npos);
    BOOST_TEST(found.error().message().find("pttl") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
