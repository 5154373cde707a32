package teleward;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport.IssueSeverity;
import ca.uhn.fhir.parser.DataFormatException;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/**
 * Judges folders of FHIR R4 JSON: every file in a {@code --good} folder must be valid, every file in a {@code --bad} one
 * must not. {@code --definitions} folders hold profiles, extensions and code systems that HAPI does not ship. Exit 0:
 * all as it must be; 1: not so; 2: usage.
 */
public final class Judge {
  private final FhirContext context = FhirContext.forR4();
  private final PrePopulatedValidationSupport ours = new PrePopulatedValidationSupport(context);

  public static void main(String[] words) throws IOException {
    Judge judge = new Judge();
    List<Path> good = new ArrayList<>();
    List<Path> bad = new ArrayList<>();
    for (int at = 0; at + 1 < words.length; at += 2) {
      List<Path> files = jsonBelow(Path.of(words[at + 1]));
      switch (words[at]) {
        case "--definitions" -> judge.define(files);
        case "--good" -> good.addAll(files);
        case "--bad" -> bad.addAll(files);
        default -> usage("unknown: " + words[at]);
      }
    }
    if (good.isEmpty() || words.length % 2 != 0) {
      usage("there is no file to judge");
    }
    FhirValidator validator = judge.validator();
    boolean asMustBe = true;
    for (Path file : good) {
      List<String> errors = errors(validator, file);
      asMustBe &= errors.isEmpty();
      System.out.println(file + ": " + (errors.isEmpty() ? "valid" : "NOT VALID: " + String.join(" | ", errors)));
    }
    for (Path file : bad) {
      List<String> errors = errors(validator, file);
      asMustBe &= !errors.isEmpty();
      System.out.println(file + ": " + (errors.isEmpty() ? "MUST NOT BE VALID, AND IS" : "refused: " + errors.get(0)));
    }
    System.exit(asMustBe ? 0 : 1);
  }

  private static void usage(String why) {
    System.err.println(why + "\nusage: fhir-judge [--definitions DIR]... --good DIR... [--bad DIR]...");
    System.exit(2);
  }

  private static List<Path> jsonBelow(Path folder) throws IOException {
    try (Stream<Path> found = Files.list(folder)) {
      return found.filter(file -> file.toString().endsWith(".json")).sorted().collect(Collectors.toList());
    }
  }

  private void define(List<Path> files) throws IOException {
    for (Path file : files) {
      ours.addResource(context.newJsonParser().parseResource(Files.readString(file)));
    }
  }

  private FhirValidator validator() {
    // LOINC, SNOMED CT and MDC are nobody's to ship: a code of theirs that no definition lists is a warning.
    UnknownCodeSystemWarningValidationSupport unlisted = new UnknownCodeSystemWarningValidationSupport(context);
    unlisted.setNonExistentCodeSystemSeverity(IssueSeverity.WARNING);
    InMemoryTerminologyServerValidationSupport listed = new InMemoryTerminologyServerValidationSupport(context);
    listed.setIssueSeverityForCodeDisplayMismatch(IssueSeverity.ERROR);
    FhirInstanceValidator rules =
        new FhirInstanceValidator(
            new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                ours,
                new CommonCodeSystemsTerminologyService(context),
                listed,
                new SnapshotGeneratingValidationSupport(context),
                unlisted));
    rules.setAnyExtensionsAllowed(false);
    rules.setErrorForUnknownProfiles(true);
    rules.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
    return context.newValidator().registerValidatorModule(rules);
  }

  private static List<String> errors(FhirValidator validator, Path file) throws IOException {
    String text = Files.readString(file);
    try {
      return validator.validateWithResult(text).getMessages().stream()
          .filter(message -> message.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0)
          .map(Judge::words)
          .collect(Collectors.toList());
    } catch (DataFormatException unreadable) {
      return List.of(unreadable.getMessage().replace('\n', ' '));
    }
  }

  private static String words(SingleValidationMessage message) {
    return message.getLocationString() + ": " + message.getMessage().replace('\n', ' ');
  }
}
