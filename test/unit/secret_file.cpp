#include <coauth/client_authentication.hpp>

#include "support.hpp"
#include "temporary_file.hpp"

using namespace test;

namespace
{

std::string read(coauth::secret_function const& from)
{
    auto const got = from();
    return got ? text(*got) : "error: " + std::string(got.error().context());
}

} // namespace

BOOST_AUTO_TEST_SUITE(secret_file)

BOOST_AUTO_TEST_CASE(follows_the_file)
{
    temporary_file const file;
    auto const tested = coauth::secret_file(file.path.string());
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
    auto const tested = coauth::secret_file(file.path.string());
    file.write("one");
    file.age();
    BOOST_TEST(read(tested) == "one");
    file.write("two");
    BOOST_TEST(read(tested) == "two");
}

BOOST_AUTO_TEST_CASE(without_the_line_break_at_its_end)
{
    temporary_file const file;
    auto const tested = coauth::secret_file(file.path.string());
    struct row
    {
        char const* written;
        char const* secret;
    };
    for (auto const& [written, expected] :
         {row{"s", "s"}, row{"s\n", "s"}, row{"s\r\n", "s"}, row{"s\n\n", "s\n"}, row{" s ", " s "},
          row{"\n", ""}, row{"", ""}})
    {
        file.write(written);
        BOOST_TEST(read(tested) == expected);
    }
    file.write(std::string(65'536, 'x'));
    BOOST_TEST(read(tested).size() == 65'536U);
    file.write(std::string(65'537, 'x'));
    check_contains(read(tested), "cannot be read");
}

BOOST_AUTO_TEST_SUITE_END()
