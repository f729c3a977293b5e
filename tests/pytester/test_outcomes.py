from tests.pytester.project import Project
def test_x(project: Project, workers: tuple[str, ...]) -> None:
    project.app("good")
    project.app("bad", fake_types={"raises": "AppError", "message": "3 errors"}, fake_build={"raises":"ValueError"})
    r = project.evaluate(*workers)
    print(r.out)
    print(project.log("stages.log"))
    print(project.left_behind())
    assert r.code==9
