#include <coauth/secret_provider.hpp>

#include "support.hpp"
#include "temporary_file.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(secret_from_file)

namespace
{

std::string read(coauth::secret_provider const& from)
{
    auto const got = from();
    return got ? text(*got) : "error: " + std::string(got.error().context());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_secret_follows_its_file)
{
    temporary_file const file;
    auto const tested = coauth::secret_from_file(file.path.string());
    check_contains(read(tested), "cannot be read");
    check_contains(read(tested), file.path.string());
    file.write("one");
    BOOST_TEST(read(tested) == "one");
    BOOST_TEST(read(tested) == "one");
    file.write_at_once("two");
    BOOST_TEST(read(tested) == "two");
    file.remove();
    check_contains(read(tested), "cannot be read");
    file.write("three");
    BOOST_TEST(read(tested) == "three");
}

BOOST_AUTO_TEST_CASE(an_old_file_is_not_read_again_until_it_changes)
{
    temporary_file const file;
    auto const tested = coauth::secret_from_file(file.path.string());
    file.write("one");
    file.age();
    BOOST_TEST(read(tested) == "one");
    file.write("two");
    BOOST_TEST(read(tested) == "two");
}

BOOST_AUTO_TEST_CASE(byte_order_mark_and_final_line_break_are_not_part_of_the_secret)
{
    temporary_file const file;
    auto const tested = coauth::secret_from_file(file.path.string());
    struct row
    {
        char const* written;
        char const* secret;
    };
    for (auto const& [written, expected] :
         {row{"s", "s"}, row{"s\n", "s"}, row{"s\r\n", "s"}, row{"s\n\n", "s\n"}, row{" s ", " s "},
          row{"\n", ""}, row{"", ""}, row{"\xEF\xBB\xBFs\r\n", "s"}, row{"\xEF\xBB\xBF", ""},
          row{"s\xEF\xBB\xBF", "s\xEF\xBB\xBF"}})
    {
        file.write(written);
        BOOST_TEST(read(tested) == expected);
    }
    for (auto const* const mark : {"\xFF\xFE", "\xFE\xFF"})
    {
        file.write(mark + "s"s);
        check_contains(read(tested), file.path.string() + "' is UTF-16 text; save it as UTF-8");
    }
    file.write(std::string(65'536, 'x'));
    BOOST_TEST(read(tested).size() == 65'536U);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_a_secret_is_named)
{
    temporary_file const file;
    auto const path = file.path.string();
    file.write(std::string(65'537, 'x'));
    auto const too_long = coauth::secret_from_file(path)();
    BOOST_REQUIRE(!too_long);
    BOOST_TEST(
        too_long.error().context() ==
        "the secret file '" + path +
            "' has 65537 bytes; it may have at most 65536; give the path of a file that holds only "
            "the secret");
    BOOST_TEST(!too_long.error().cause());
    // The system reports no size for a device.
    check_contains(
        read(coauth::secret_from_file("/dev/zero")),
        "'/dev/zero' has more than 65536 bytes; it may have");
    auto const directory = coauth::secret_from_file(file.path.parent_path())();
    BOOST_REQUIRE(!directory);
    check_contains(directory.error().context(), "cannot be read");
    BOOST_TEST(
        (directory.error().cause() == boost::system::errc::is_a_directory),
        directory.error().cause());
    char const* const not_set = nullptr;
    BOOST_TEST(
        read(coauth::secret_from_file(not_set)) == "error: the path of the secret file is empty");
}

BOOST_AUTO_TEST_SUITE_END()
