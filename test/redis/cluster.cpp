// A cluster of two real servers: MOVED and ASK are followed.

#include "store_fixture.hpp"

#include <memory>
#include <thread>

using namespace test;

namespace
{

// Of the names that the tests use, by CLUSTER KEYSLOT.
std::string slot_of(redis_process const& server, std::string const& name)
{
    return server.command({"CLUSTER", "KEYSLOT", "coauth:{" + name + "}"});
}

struct cluster_fixture
{
    cluster_fixture()
    {
        first.command({"CLUSTER", "ADDSLOTSRANGE", "0", "8191"});
        second.command({"CLUSTER", "ADDSLOTSRANGE", "8192", "16383"});
        first.command({"CLUSTER", "SET-CONFIG-EPOCH", "1"});
        second.command({"CLUSTER", "SET-CONFIG-EPOCH", "2"});
        first.command({"CLUSTER", "MEET", "127.0.0.1", std::to_string(second.port())});
        wait_for("cluster_state:ok");
        BOOST_TEST_REQUIRE(std::stoi(slot_of(first, near)) < 8192);
        BOOST_TEST_REQUIRE(std::stoi(slot_of(first, far)) >= 8192);
    }

    void wait_for(std::string const& state) const
    {
        for (int i = 0; i < 1'000; ++i)
        {
            bool const all = first.command({"CLUSTER", "INFO"}).find(state) != state.npos &&
                             second.command({"CLUSTER", "INFO"}).find(state) != state.npos;
            if (all)
                return;
            std::this_thread::sleep_for(20ms);
        }
        BOOST_FAIL("the cluster is not ready");
    }

    [[nodiscard]] coauth::redis_options options() const
    {
        auto options = first.options();
        options.url = "redis://127.0.0.1:" + std::to_string(first.port());
        return options;
    }

    static constexpr char const* near = "b";
    static constexpr char const* far = "a";
    static constexpr char const* configuration =
        "cluster-enabled yes\ncluster-node-timeout 500\ncluster-require-full-coverage no";
    redis_process first{configuration};
    redis_process second{configuration};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(redis_cluster, cluster_fixture)

BOOST_AUTO_TEST_CASE(redirections_are_followed)
{
    store_fixture store(options());
    // MOVED: the other server has the slot, for plain commands and for scripts.
    store.put(near, "near record");
    store.put(far, "far record");
    BOOST_TEST(second.command({"GET", std::string("coauth:{") + far + "}"}) == "far record");
    BOOST_TEST(store.text(store.load(near)) == "near record");
    BOOST_TEST(store.text(store.load(far)) == "far record");

    // Once followed, it is remembered.
    auto const rejected = [&]
    {
        auto const all = first.command({"INFO", "errorstats"});
        auto const found = all.find("errorstat_MOVED:count=");
        return found == all.npos ? 0 : std::stoi(all.substr(all.find('=', found) + 1));
    };
    auto const before = rejected();
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(store.text(store.load(far)) == "far record");
    BOOST_TEST(rejected() == before);

    // ASK: the slot is on its way to the first server, and a new name is there already.
    auto const first_id = first.command({"CLUSTER", "MYID"});
    auto const second_id = second.command({"CLUSTER", "MYID"});
    auto const slot = slot_of(first, far);
    second.command({"DEL", std::string("coauth:{") + far + "}"});
    first.command({"CLUSTER", "SETSLOT", slot, "IMPORTING", second_id});
    second.command({"CLUSTER", "SETSLOT", slot, "MIGRATING", first_id});
    BOOST_TEST(store.text(store.claim(far, "me")) == "true");
    // Not with two keys of which one is not there yet (TRYAGAIN).
    BOOST_TEST(outcome(store.publish(far, "me", "record")) == "temporarily_unavailable");
    BOOST_TEST(store.text(store.renew(far, "me")) == "true");
    BOOST_TEST(store.load(far)->claimed);

    // It has arrived: MOVED again, in the other direction.
    first.command({"CLUSTER", "SETSLOT", slot, "NODE", first_id});
    second.command({"CLUSTER", "SETSLOT", slot, "NODE", first_id});
    BOOST_TEST(store.text(store.publish(far, "me", "record")) == "true");
    BOOST_TEST(first.command({"GET", std::string("coauth:{") + far + "}"}) == "record");
}

BOOST_AUTO_TEST_CASE(a_server_that_is_gone_is_forgotten)
{
    store_fixture store(options());
    store.put(far, "record");
    second.kill();
    // The first server still sends clients to it.
    BOOST_TEST(store.load(far).has_error());
    BOOST_TEST(store.text(store.load(near)) == "none");
    for (int i = 8'192; i < 16'384; i += 4'096)
        first.command({"CLUSTER", "DELSLOTSRANGE", std::to_string(i), std::to_string(i + 4'095)});
    first.command({"CLUSTER", "ADDSLOTSRANGE", "8192", "16383"});
    BOOST_TEST(store.text(store.load(far)) == "none");
}

BOOST_AUTO_TEST_SUITE_END()
