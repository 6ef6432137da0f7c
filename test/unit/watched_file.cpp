// Files that are replaced while the program runs.

#include "values/watched_file.hpp"

#include "support.hpp"
#include "temporary_file.hpp"

#include <unistd.h>

using namespace test;

BOOST_AUTO_TEST_SUITE(watched_file)

using file_type = coauth::detail::watched_file;

namespace
{

file_type watch(temporary_file const& file, file_type::purpose purpose = {})
{
    if (purpose.subject.empty())
        purpose.subject = "the list";
    return {file.path.string(), std::move(purpose)};
}

file_type::contents contents_of(file_type const& file)
{
    auto contents = file.read();
    BOOST_TEST_REQUIRE(outcome(contents) == "success");
    return std::move(*contents);
}

} // namespace

BOOST_AUTO_TEST_CASE(an_old_file_is_current_until_it_changes)
{
    temporary_file const file("one");
    file.age();
    auto const tested = watch(file);
    BOOST_TEST(!tested.is_current({}));
    auto const contents = contents_of(tested);
    BOOST_TEST(text(contents.text) == "one");
    BOOST_TEST(tested.is_current(contents.version));
    BOOST_TEST(tested.is_current(contents.version));

    file.write("two");
    BOOST_TEST(!tested.is_current(contents.version));
    BOOST_TEST(text(contents_of(tested).text) == "two");
}

// Another write within the same tick of the clock leaves the same stamp.
BOOST_AUTO_TEST_CASE(a_new_file_is_never_current)
{
    temporary_file const file("one");
    auto const tested = watch(file);
    auto const contents = contents_of(tested);
    BOOST_TEST(!tested.is_current(contents.version));
    file.write_at_once("two");
    BOOST_TEST(text(contents_of(tested).text) == "two");
}

BOOST_AUTO_TEST_CASE(each_kind_of_change_is_noticed)
{
    struct row
    {
        char const* name;
        std::function<void(temporary_file const&)> change;
    };
    for (auto const& [name, change] :
         std::vector<row>{
             {"the time", [](temporary_file const& file) { file.write("one"); }},
             {"the size",
              [](temporary_file const& file)
              {
                  auto const time = std::filesystem::last_write_time(file.path);
                  file.write("three");
                  std::filesystem::last_write_time(file.path, time);
              }},
             {"another file of the same size and time",
              [](temporary_file const& file)
              {
                  auto const time = std::filesystem::last_write_time(file.path);
                  file.replace("two");
                  std::filesystem::last_write_time(file.path, time);
              }},
             {"removed", [](temporary_file const& file) { file.remove(); }}})
        BOOST_TEST_CONTEXT(name)
        {
            temporary_file const file("one");
            file.age();
            auto const tested = watch(file);
            auto const contents = contents_of(tested);
            BOOST_TEST_REQUIRE(tested.is_current(contents.version));
            change(file);
            BOOST_TEST(!tested.is_current(contents.version));
        }
}

BOOST_AUTO_TEST_CASE(an_absent_file_is_current_until_there_is_one)
{
    temporary_file const file;
    auto const tested = watch(file);
    auto const absent = tested.current_version();
    BOOST_TEST(tested.is_current(absent));
    file.write("one");
    BOOST_TEST(!tested.is_current(absent));
    file.remove();
    BOOST_TEST(tested.is_current(absent));
}

// A shell's <(command). What was read from a pipe cannot be read again.
BOOST_AUTO_TEST_CASE(a_pipe_is_current_once_it_was_read)
{
    int ends[2] = {};
    BOOST_TEST_REQUIRE(::pipe(ends) == 0);
    BOOST_TEST(::write(ends[1], "one", 3) == 3);
    ::close(ends[1]);
    file_type const tested("/dev/fd/" + std::to_string(ends[0]), {.subject = "the list"});
    auto const contents = contents_of(tested);
    BOOST_TEST(text(contents.text) == "one");
    BOOST_TEST(tested.is_current(contents.version));
    ::close(ends[0]);
}

BOOST_AUTO_TEST_CASE(errors_name_the_file)
{
    temporary_file const file;
    auto const path = file.path.string();
    file_type::purpose const purpose{.subject = "the list", .advice = "give a list", .max_size = 3};
    auto const message = [&](auto const& changed)
    {
        auto const contents = watch(file, changed).read();
        return contents ? "success: " + text(contents->text)
                        : std::string(contents.error().context());
    };
    BOOST_TEST(message(purpose) == "the list '" + path + "' cannot be read; give a list");
    BOOST_TEST(
        (watch(file, purpose).read().error().cause() ==
         boost::system::errc::no_such_file_or_directory));
    file.write("");
    BOOST_TEST(message(purpose) == "the list '" + path + "' is empty; give a list");
    auto may_be_empty = purpose;
    may_be_empty.may_be_empty = true;
    BOOST_TEST(message(may_be_empty) == "success: ");
    file.write("123");
    BOOST_TEST(message(purpose) == "success: 123");
    file.write("1234");
    BOOST_TEST(
        message(purpose) ==
        "the list '" + path + "' has 4 bytes; it may have at most 3; give a list");
    file_type const nameless("", purpose);
    BOOST_TEST(nameless.read().error().context() == "the path of the list is empty");
}

BOOST_AUTO_TEST_SUITE_END()
